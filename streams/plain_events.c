/* streams.plain_events in C: what the ledger takes of a usual event, straight from its bytes.

   Says what `told` in streams/ledger/kinds.py says of the event that streams/decoding.py reads, or
   None wherever it is not sure: those then read the event, or refuse it in their own words. Accepts plain
   JSON objects without escapes, with known fields only, each once and not null. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include "record_view.h"

#define LONGEST_EVENT 65536
#define LONGEST_NAME 128
#define EARLIEST INT64_C(631152000000000)
#define LATEST INT64_C(4102444800000000)
#define PRIME UINT64_C(3622009729038561437)

enum field {
    KIND, ID, AT, SOURCE, QUEUE, CUSTOMER, ANONYMOUS, CALL_ID, ANSWERED_BY, ENDED_BY, WITH, RESOLVED,
    AGENT, TO, REASON, FIELDS, UNKNOWN = FIELDS
};
#define BIT(field) (1u << (field))
#define COMMON (BIT(KIND) | BIT(ID) | BIT(AT) | BIT(SOURCE) | BIT(QUEUE) | BIT(CUSTOMER) | BIT(ANONYMOUS))
#define CALL (COMMON | BIT(CALL_ID))

typedef struct {
    const char *start; /* NULL: not there */
    Py_ssize_t size;
    int is_ascii;
} text;

typedef struct {
    const char *start; /* NULL: not there */
    Py_ssize_t size;
} name;
#define NAME(literal) {literal, sizeof literal - 1}

typedef struct {
    name name;
    long number; /* as in streams/ledger/kinds.py */
    unsigned allowed;
} kind;

/* The most frequent ones first. */
static const kind KINDS[] = {
    {NAME("call.offered"), 0, CALL},
    {NAME("call.queued"), 1, CALL},
    {NAME("call.answered"), 2, CALL | BIT(ANSWERED_BY) | BIT(AGENT)},
    {NAME("call.ended"), 3, CALL | BIT(ENDED_BY) | BIT(RESOLVED) | BIT(AGENT) | BIT(REASON)},
    {NAME("call.abandoned"), 5, CALL},
    {NAME("call.transferred"), 4, CALL | BIT(TO) | BIT(AGENT) | BIT(REASON)},
    {NAME("call.diverted"), 6, CALL | BIT(TO) | BIT(REASON)},
    {NAME("call.rejected"), 7, CALL | BIT(REASON)},
    {NAME("callback.requested"), 8, CALL | BIT(REASON)},
    {NAME("callback.attempted"), 9, CALL | BIT(AGENT) | BIT(REASON)},
    {NAME("callback.connected"), 10, CALL | BIT(WITH) | BIT(AGENT)},
    {NAME("callback.cancelled"), 11, CALL | BIT(REASON)},
    {NAME("source.restarted"), 12, COMMON | BIT(REASON)},
    {NAME("source.heartbeat"), 13, COMMON},
};
#define NUMBER(array) (sizeof array / sizeof *array)

static const name FIELD_NAMES[FIELDS] = {
    NAME("kind"), NAME("id"), NAME("at"), NAME("source"), NAME("queue"), NAME("customer"),
    NAME("anonymous"), NAME("call_id"), NAME("answered_by"), NAME("ended_by"), NAME("with"),
    NAME("resolved"), NAME("agent"), NAME("to"), NAME("reason"),
};

/* By whom: of these an answer takes the first five, an end the last three. */
static const name WORDS[] = {
    NAME("human"), NAME("voicemail"), NAME("unknown"), NAME("bot"), NAME("ivr"),
    NAME("customer"), NAME("agent"), NAME("system"),
};
static PyObject *words[NUMBER(WORDS)];
static PyObject *nothing;        /* the empty text */
static PyObject *headers_name, *value_name; /* of any other record */
static PyTypeObject *view_type; /* of records that are looked at in place */
static PyObject *unknown; /* also a source, see streams/cloudevents.py */

/* Names that come again and again: one object each, found by their bytes. */
#define KEPT 512
static PyObject *kept[KEPT];

typedef struct {
    const char *at;
    const char *end;
} cursor;

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
        c->at++;
}

static int take(cursor *c, char wanted)
{
    skip_space(c);
    if (c->at >= c->end || *c->at != wanted)
        return 0;
    c->at++;
    return 1;
}

/* Reads a text without escapes and control characters. */
static int read_text(cursor *c, text *found)
{
    if (!take(c, '"'))
        return 0;
    const unsigned char *start = (const unsigned char *)c->at, *at = start;
    const unsigned char *end = (const unsigned char *)c->end;
    unsigned char all = 0;
    while (at < end && *at != '"') {
        if (*at < 0x20 || *at == '\\')
            return 0;
        all |= *at++;
    }
    if (at >= end)
        return 0;
    found->start = (const char *)start;
    found->size = at - start;
    found->is_ascii = all < 0x80;
    c->at = (const char *)at + 1;
    return 1;
}

static int is(const text *found, const name *known)
{
    return found->size == known->size && memcmp(found->start, known->start, known->size) == 0;
}

static int field_of(const text *found)
{
    for (int field = 0; field < FIELDS; field++)
        if (is(found, &FIELD_NAMES[field]))
            return field;
    return UNKNOWN;
}

static int read_flag(cursor *c, int *flag)
{
    skip_space(c);
    if (c->end - c->at >= 4 && memcmp(c->at, "true", 4) == 0) {
        c->at += 4;
        *flag = 1;
        return 1;
    }
    if (c->end - c->at >= 5 && memcmp(c->at, "false", 5) == 0) {
        c->at += 5;
        *flag = 0;
        return 1;
    }
    return 0;
}

static int digits(const char *at, int number, int64_t *value)
{
    int64_t sum = 0;
    while (number-- > 0) {
        if (*at < '0' || *at > '9')
            return 0;
        sum = sum * 10 + (*at++ - '0');
    }
    *value = sum;
    return 1;
}

/* Days from 1970 to a date of the Gregorian calendar from 1970 on. */
static int64_t days_to(int64_t year, int64_t month, int64_t day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = year - 1;
    int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t days = past * 365 + past / 4 - past / 100 + past / 400 - 719162;
    return days + before[month - 1] + (month > 2 && is_leap) + day - 1;
}

static int days_in(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/* `2026-11-23T19:23:21Z`, with thousandths or without. */
static int instant_of(const text *wire, int64_t *at)
{
    const char *p = wire->start;
    int64_t year, month, day, hour, minute, second, thousandth = 0;
    if (wire->size == 24) {
        if (p[19] != '.' || !digits(p + 20, 3, &thousandth))
            return 0;
    } else if (wire->size != 20)
        return 0;
    if (p[wire->size - 1] != 'Z' || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':'
        || p[16] != ':')
        return 0;
    if (!digits(p, 4, &year) || !digits(p + 5, 2, &month) || !digits(p + 8, 2, &day)
        || !digits(p + 11, 2, &hour) || !digits(p + 14, 2, &minute)
        || !digits(p + 17, 2, &second))
        return 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23
        || minute > 59 || second > 59)
        return 0;
    int64_t seconds = ((days_to(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    *at = seconds * 1000000 + thousandth * 1000;
    return 1;
}

/* RFC 3339 in UTC, or epoch milliseconds. */
static int read_instant(cursor *c, int64_t *at)
{
    skip_space(c);
    if (c->at < c->end && *c->at == '"') {
        text wire;
        if (!read_text(c, &wire) || !instant_of(&wire, at))
            return 0;
    } else {
        const char *start = c->at;
        int64_t value = 0;
        while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - start < 15)
            value = value * 10 + (*c->at++ - '0');
        if (c->at == start || *start == '0' || c->at >= c->end
            || !(*c->at == ',' || *c->at == '}' || *c->at == ' '))
            return 0;
        *at = value * 1000;
    }
    return EARLIEST <= *at && *at < LATEST;
}

typedef struct {
    text texts[FIELDS];
    int64_t at;
    int anonymous;
    int resolved; /* 1 yes, 0 no, 2: the source did not say */
    unsigned seen;
} event;

static int read_value(cursor *c, int field, event *read)
{
    if (field == AT)
        return read_instant(c, &read->at);
    if (field == ANONYMOUS)
        return read_flag(c, &read->anonymous);
    if (field == RESOLVED)
        return read_flag(c, &read->resolved);
    text *value = &read->texts[field];
    return read_text(c, value) && 0 < value->size && value->size <= LONGEST_NAME;
}

static int read_object(cursor *c, event *read)
{
    if (!take(c, '{'))
        return 0;
    do {
        text found;
        if (!read_text(c, &found) || !take(c, ':'))
            return 0;
        int field = field_of(&found);
        if (field == UNKNOWN || read->seen & BIT(field) || !read_value(c, field, read))
            return 0;
        read->seen |= BIT(field);
    } while (take(c, ','));
    if (!take(c, '}'))
        return 0;
    skip_space(c);
    return c->at == c->end;
}

static const kind *kind_of(const event *read)
{
    if (!(read->seen & BIT(KIND)))
        return NULL;
    for (size_t i = 0; i < NUMBER(KINDS); i++)
        if (is(&read->texts[KIND], &KINDS[i].name))
            return &KINDS[i];
    return NULL;
}

static int is_complete(const event *read, const kind *found)
{
    unsigned needed = BIT(KIND) | BIT(ID) | BIT(AT);
    if (found->number < 8)
        needed |= BIT(CALL_ID);
    else if (found->number < 12 && !(read->seen & (BIT(CALL_ID) | BIT(CUSTOMER))))
        return 0;
    return (read->seen & needed) == needed && !(read->seen & ~found->allowed);
}

/* What is not handed on is not decoded either, so it must not need it. */
static int is_plain(const event *read)
{
    static const int left_out[] = {KIND, ID, AGENT, TO, REASON};
    for (size_t i = 0; i < NUMBER(left_out); i++)
        if (read->texts[left_out[i]].start != NULL && !read->texts[left_out[i]].is_ascii)
            return 0;
    return 1;
}

static uint64_t spread(const text *given)
{
    uint64_t hash = 14695981039346656037u;
    for (Py_ssize_t i = 0; i < given->size; i++)
        hash = (hash ^ (unsigned char)given->start[i]) * 1099511628211u;
    return hash ^ (hash >> 32);
}

/* The text as an object, NULL with or without an error set; not there: `otherwise`. */
static PyObject *text_object(const text *given, PyObject *otherwise)
{
    if (given->start == NULL)
        return Py_NewRef(otherwise);
    if (given->is_ascii) {
        PyObject *made = PyUnicode_New(given->size, 127);
        if (made != NULL)
            memcpy(PyUnicode_1BYTE_DATA(made), given->start, given->size);
        return made;
    }
    return PyUnicode_DecodeUTF8(given->start, given->size, NULL);
}

/* The same, one object for all that come. */
static PyObject *name_object(const text *given, PyObject *otherwise)
{
    if (given->start == NULL || !given->is_ascii)
        return text_object(given, otherwise);
    PyObject **place = &kept[spread(given) % KEPT];
    PyObject *known = *place;
    if (known != NULL && PyUnicode_GET_LENGTH(known) == given->size
        && memcmp(PyUnicode_1BYTE_DATA(known), given->start, given->size) == 0)
        return Py_NewRef(known);
    PyObject *made = text_object(given, otherwise);
    if (made != NULL)
        Py_XSETREF(*place, Py_NewRef(made));
    return made;
}

/* By whom it was answered or ended, or who was reached. */
static PyObject *by_object(const event *read, const kind *found)
{
    const text *by;
    size_t first = 0, end = 5;
    if (found->number == 2)
        by = &read->texts[ANSWERED_BY];
    else if (found->number == 3)
        by = &read->texts[ENDED_BY], first = 5, end = NUMBER(WORDS);
    else if (found->number == 10)
        by = &read->texts[WITH], end = 3;
    else
        return Py_NewRef(nothing);
    if (by->start == NULL)
        return Py_NewRef(found->number == 3 ? nothing : unknown);
    for (size_t i = first; i < end; i++)
        if (is(by, &WORDS[i]))
            return Py_NewRef(words[i]);
    return NULL;
}

static uint64_t go_on(uint64_t rest, const char *bytes, Py_ssize_t size)
{
    while (size > 0) {
        int part = size < 8 ? (int)size : 8;
        uint64_t number = 0;
        for (int i = 0; i < part; i++)
            number = number << 8 | (unsigned char)bytes[i];
        unsigned __int128 whole = (unsigned __int128)rest << (8 * part) | number;
        rest = (uint64_t)(whole % PRIME);
        bytes += part;
        size -= part;
    }
    return rest;
}

/* As `mark` in streams/ledger/kinds.py. */
static uint64_t mark_of(const event *read, PyObject *source)
{
    Py_ssize_t size;
    const char *name = PyUnicode_AsUTF8AndSize(source, &size);
    if (name == NULL)
        return 0;
    uint64_t length = PyUnicode_GET_LENGTH(source);
    /* 128 is the longest, and the only one of two bytes. */
    uint64_t mark = length < 0x80 ? length : 0xC280;
    mark = go_on(mark, name, size);
    mark = go_on(mark, read->texts[ID].start, read->texts[ID].size);
    return mark ? mark : 1;
}

static PyObject *told(const event *read, const kind *found)
{
    PyObject *source = name_object(&read->texts[SOURCE], unknown);
    if (source == NULL)
        return NULL;
    uint64_t mark = mark_of(read, source);
    PyObject *items[] = {
        PyLong_FromLong(found->number),
        mark ? PyLong_FromUnsignedLongLong(mark) : NULL,
        PyLong_FromLongLong(read->at),
        text_object(&read->texts[CALL_ID], Py_None),
        source,
        name_object(&read->texts[QUEUE], Py_None),
        text_object(&read->texts[CUSTOMER], Py_None),
        PyBool_FromLong(read->anonymous),
        by_object(read, found),
        PyLong_FromLong(read->resolved),
    };
    const Py_ssize_t number = NUMBER(items);
    PyObject *tuple = PyTuple_New(number);
    int is_whole = tuple != NULL;
    for (Py_ssize_t i = 0; i < number; i++)
        is_whole = is_whole && items[i] != NULL;
    for (Py_ssize_t i = 0; i < number; i++) {
        if (is_whole)
            PyTuple_SET_ITEM(tuple, i, items[i]);
        else
            Py_XDECREF(items[i]);
    }
    if (!is_whole)
        Py_CLEAR(tuple);
    return tuple;
}

static PyObject *read_bytes(const char *value, Py_ssize_t size)
{
    if (size > LONGEST_EVENT)
        Py_RETURN_NONE;
    cursor c = {value, value + size};
    event read = {.resolved = 2};
    if (!read_object(&c, &read))
        Py_RETURN_NONE;
    const kind *found = kind_of(&read);
    if (found == NULL || !is_complete(&read, found) || !is_plain(&read))
        Py_RETURN_NONE;
    PyObject *said = told(&read, found);
    if (said != NULL)
        return said;
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeError))
            return NULL;
        PyErr_Clear();
    }
    Py_RETURN_NONE;
}

static PyObject *read_plain(PyObject *Py_UNUSED(module), PyObject *value)
{
    if (!PyBytes_Check(value))
        Py_RETURN_NONE;
    return read_bytes(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
}

static PyObject *read_record(PyObject *Py_UNUSED(module), PyObject *given)
{
    if (Py_TYPE(given) == view_type) {
        const record *view = (record *)given;
        if (view->value == NULL)
            Py_RETURN_NONE;
        return read_bytes(view->value, view->value_size);
    }
    PyObject *headers = PyObject_GetAttr(given, headers_name);
    int has_headers = headers == NULL ? -1 : PyObject_IsTrue(headers);
    Py_XDECREF(headers);
    if (has_headers)
        return has_headers < 0 ? NULL : Py_NewRef(Py_None);
    PyObject *value = PyObject_GetAttr(given, value_name);
    PyObject *said = value == NULL ? NULL : read_plain(NULL, value);
    Py_XDECREF(value);
    return said;
}

static int find_view_type(void)
{
    PyObject *module = PyImport_ImportModule("streams.plain_records");
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "Record");
    Py_XDECREF(module);
    view_type = (PyTypeObject *)type;
    return type == NULL ? -1 : 0;
}

static PyMethodDef functions[] = {
    {"read_plain", read_plain, METH_O,
     "read_plain(value)\n--\n\nReturn what the ledger takes of a usual event; None: it may be none."},
    {"read_record", read_record, METH_O,
     "read_record(record)\n--\n\nReturn the same of a record without headers; None: read it first."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "streams.plain_events", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC PyInit_plain_events(void)
{
    for (size_t i = 0; i < NUMBER(WORDS); i++)
        if ((words[i] = PyUnicode_InternFromString(WORDS[i].start)) == NULL)
            return NULL;
    nothing = PyUnicode_InternFromString("");
    unknown = PyUnicode_InternFromString("unknown");
    headers_name = PyUnicode_InternFromString("headers");
    value_name = PyUnicode_InternFromString("value");
    if (nothing == NULL || unknown == NULL || headers_name == NULL || value_name == NULL
        || find_view_type() < 0)
        return NULL;
    return PyModule_Create(&definition);
}
