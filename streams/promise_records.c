/* streams.promise_records in C: changes of the ledger straight to the bytes of their records.

   The same bytes as streams/promise_events.py makes, to which whatever is unusual is left. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#include "change_fields.h"
#include "record_batches.h"

#define SECOND 1000000

static PyObject *fallback; /* the way through an event; NULL: not asked for yet */

#define ROOM 4096
typedef struct {
    char bytes[ROOM];
    Py_ssize_t size;
    int is_usual;
} line;

static void put(line *to, const char *bytes, Py_ssize_t size)
{
    if (to->size + size > ROOM) {
        to->is_usual = 0;
        return;
    }
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}
#define PUT(to, literal) put(to, literal, sizeof literal - 1)

static void put_number(line *to, int64_t number, int width)
{
    char digits[24];
    int at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) || (int)sizeof digits - at < width);
    put(to, digits + at, (Py_ssize_t)sizeof digits - at);
}

/* A text between the quotes of JSON; one that needs escapes is unusual. */
static void put_text(line *to, PyObject *text)
{
    Py_ssize_t size;
    if (!PyUnicode_Check(text) || !PyUnicode_IS_COMPACT_ASCII(text)) {
        to->is_usual = 0;
        return;
    }
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &size);
    int needs_escape = 0;
    for (Py_ssize_t i = 0; i < size; i++)
        needs_escape |= (bytes[i] < 0x20) | (bytes[i] == '"') | (bytes[i] == '\\');
    to->is_usual &= !needs_escape;
    put(to, bytes, size);
}

static int64_t number_of(PyObject *value, line *to)
{
    int overflow = 0;
    long long number = PyLong_Check(value) ? PyLong_AsLongLongAndOverflow(value, &overflow) : -1;
    if (overflow || number < 0)
        to->is_usual = 0;
    return number;
}

/* Up to the colon before the seconds; the calendar by whole eras of 400 years from a 1 March on. */
static void put_minute(line *to, int64_t minute)
{
    int64_t days = minute / 1440 + 719468, rest = minute % 1440;
    int64_t era = days / 146097, day = days % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153;
    put_number(to, year + era * 400 + (month >= 10), 4);
    PUT(to, "-");
    put_number(to, month < 10 ? month + 3 : month - 9, 2);
    PUT(to, "-");
    put_number(to, day - (153 * month + 2) / 5 + 1, 2);
    PUT(to, "T");
    put_number(to, rest / 60, 2);
    PUT(to, ":");
    put_number(to, rest % 60, 2);
    PUT(to, ":");
}

/* As `rfc3339` in streams/instants.py. One minute follows the other, so the last one is kept. */
static void put_instant(line *to, PyObject *value)
{
    static line kept;
    static int64_t minute = -1;
    int64_t instant = number_of(value, to);
    if (!to->is_usual || instant >= INT64_C(253402300800) * SECOND) {
        to->is_usual = 0;
        return;
    }
    int64_t seconds = instant / SECOND, fraction = instant % SECOND;
    if (seconds / 60 != minute) {
        kept.size = 0;
        put_minute(&kept, minute = seconds / 60);
    }
    put(to, kept.bytes, kept.size);
    put_number(to, seconds % 60, 2);
    if (fraction) {
        PUT(to, ".");
        if (fraction % 1000)
            put_number(to, fraction, 6);
        else
            put_number(to, fraction / 1000, 3);
    }
    PUT(to, "Z");
}

/* Microseconds as seconds, as JSON has a float. */
static void put_seconds(line *to, PyObject *value)
{
    int64_t duration = number_of(value, to);
    /* Shorter ones may be written with an exponent, longer ones not be exact. */
    if (!to->is_usual || (duration && duration < 1000) || duration >= INT64_C(1000000000) * SECOND) {
        to->is_usual = 0;
        return;
    }
    put_number(to, duration / SECOND, 1);
    PUT(to, ".");
    int64_t fraction = duration % SECOND;
    int width = 6;
    while (width > 1 && fraction % 10 == 0)
        fraction /= 10, width--;
    put_number(to, fraction, width);
}

static void put_change(line *to, PyObject *const *field)
{
    PUT(to, "{\"kind\":\"promise.changed\",\"id\":\"");
    put_text(to, field[VERDICT]);
    PUT(to, "/");
    put_text(to, field[KEY]);
    PUT(to, "/");
    int64_t revision = number_of(field[REVISION], to);
    put_number(to, revision, 1);
    PUT(to, "\",\"verdict\":\"");
    put_text(to, field[VERDICT]);
    PUT(to, "\",\"state\":\"");
    put_text(to, field[STATE]);
    PUT(to, "\",\"at\":\"");
    put_instant(to, field[AT]);
    PUT(to, "\",\"key\":\"");
    put_text(to, field[KEY]);
    PUT(to, "\",\"revision\":");
    put_number(to, revision, 1);
    static const struct { int field; const char *name; } texts[] = {
        {WAS, ",\"was\":\""}, {QUEUE, ",\"queue\":\""},
        {CALL_ID, ",\"call_id\":\""}, {CUSTOMER, ",\"customer\":\""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (field[texts[i].field] != Py_None) {
            put(to, texts[i].name, strlen(texts[i].name));
            put_text(to, field[texts[i].field]);
            PUT(to, "\"");
        }
    if (field[WAIT] != Py_None) {
        PUT(to, ",\"wait_seconds\":");
        put_seconds(to, field[WAIT]);
    }
    if (field[WAS_WAIT] != Py_None) {
        PUT(to, ",\"was_wait_seconds\":");
        put_seconds(to, field[WAS_WAIT]);
    }
    if (field[DUE_AT] != Py_None) {
        PUT(to, ",\"due_at\":\"");
        put_instant(to, field[DUE_AT]);
        PUT(to, "\"");
    }
}

/* The customer, else the call; of what is about neither the key is left to the other way. */
static PyObject *about(PyObject *const *field)
{
    PyObject *name = field[CUSTOMER] != Py_None ? field[CUSTOMER] : field[CALL_ID];
    return PyUnicode_Check(name) && PyUnicode_GET_LENGTH(name) ? name : NULL;
}

static PyObject *by_event(PyObject *change, PyObject *epoch)
{
    if (fallback == NULL) {
        PyObject *module = PyImport_ImportModule("streams.promise_events");
        if (module == NULL)
            return NULL;
        fallback = PyObject_GetAttrString(module, "record");
        Py_DECREF(module);
        if (fallback == NULL)
            return NULL;
    }
    return PyObject_CallFunctionObjArgs(fallback, change, epoch, NULL);
}

/* Writes the value of the record of a change, and returns what holds the key; NULL with
   `is_usual` at 0: it is left to the other way. */
static PyObject *put_record(line *value, PyObject *change, int64_t epoch)
{
    PyObject *field[FIELDS], *key = NULL;
    value->size = 0;
    value->is_usual = read_fields(change, field);
    if (value->is_usual) {
        put_change(value, field);
        PUT(value, ",\"epoch\":");
        put_number(value, epoch, 1);
        PUT(value, "}");
        key = value->is_usual ? Py_XNewRef(about(field)) : NULL;
        value->is_usual = key != NULL;
    }
    return key;
}

static PyObject *promise_record(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t number)
{
    if (number != 2) {
        PyErr_SetString(PyExc_TypeError, "promise_record takes a change and an epoch");
        return NULL;
    }
    long long epoch = PyLong_AsLongLong(args[1]);
    if (epoch == -1 && PyErr_Occurred())
        return NULL;
    line value;
    PyObject *name = put_record(&value, args[0], epoch);
    if (name == NULL)
        return PyErr_Occurred() ? NULL : by_event(args[0], args[1]);
    PyObject *key = PyUnicode_AsUTF8String(name);
    Py_DECREF(name);
    return key == NULL ? NULL : Py_BuildValue("(Ny#)", key, value.bytes, value.size);
}

static int append_by_event(PyObject *batch, int64_t offset, PyObject *change, PyObject *epoch,
                           Py_ssize_t room)
{
    PyObject *record = by_event(change, epoch);
    if (record == NULL)
        return -1;
    PyObject *key, *value;
    parts found = {NULL, NULL, -1, 0};
    int is_done = -1;
    if (PyArg_ParseTuple(record, "OS", &key, &value)) {
        if (PyBytes_Check(key))
            found.key = PyBytes_AS_STRING(key), found.key_size = PyBytes_GET_SIZE(key);
        found.value = PyBytes_AS_STRING(value), found.value_size = PyBytes_GET_SIZE(value);
        is_done = append(batch, offset, &found, room);
    }
    Py_DECREF(record);
    return is_done;
}

static int append_change(PyObject *batch, int64_t offset, PyObject *change, PyObject *epoch,
                         Py_ssize_t room)
{
    line value;
    long long number = PyLong_AsLongLong(epoch);
    if (number == -1 && PyErr_Occurred())
        return -1;
    PyObject *name = put_record(&value, change, number);
    if (name == NULL)
        return PyErr_Occurred() ? -1 : append_by_event(batch, offset, change, epoch, room);
    parts found = {NULL, value.bytes, 0, value.size};
    found.key = PyUnicode_AsUTF8AndSize(name, &found.key_size);
    int is_done = found.key == NULL ? -1 : append(batch, offset, &found, room);
    Py_DECREF(name);
    return is_done;
}

static PyObject *promise_batch(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *changes, *epoch;
    Py_ssize_t first, room;
    long long time;
    if (!PyArg_ParseTuple(arguments, "O!nO!Ln", &PyList_Type, &changes, &first, &PyLong_Type, &epoch,
                          &time, &room))
        return NULL;
    PyObject *batch = PyByteArray_FromStringAndSize(NULL, RECORDS);
    int64_t count = 0;
    int is_done = batch == NULL ? -1 : 1;
    while (is_done > 0 && first + count < PyList_GET_SIZE(changes)) {
        PyObject *change = Py_NewRef(PyList_GET_ITEM(changes, first + count));
        is_done = append_change(batch, count, change, epoch, room);
        count += is_done > 0;
        Py_DECREF(change);
    }
    if (is_done < 0) {
        Py_XDECREF(batch);
        return NULL;
    }
    put_head(PyByteArray_AS_STRING(batch), PyByteArray_GET_SIZE(batch), count, time);
    return Py_BuildValue("(NL)", batch, (long long)count);
}

static PyObject *seal(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *batch;
    long long producer;
    int epoch, sequence;
    if (!PyArg_ParseTuple(arguments, "YLii", &batch, &producer, &epoch, &sequence))
        return NULL;
    if (PyByteArray_GET_SIZE(batch) < RECORDS) {
        PyErr_SetString(PyExc_ValueError, "that is no batch");
        return NULL;
    }
    sum_up(batch, producer, epoch, sequence);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"promise_record", (PyCFunction)(void (*)(void))promise_record, METH_FASTCALL,
     "promise_record(change, epoch)\n--\n\nReturn key and value of the record that tells of it."},
    {"promise_batch", promise_batch, METH_VARARGS,
     "promise_batch(changes, first, epoch, time, room)\n--\n\n"
     "Return a batch of records from `first` on, and how many."},
    {"seal", seal, METH_VARARGS,
     "seal(batch, producer, epoch, sequence)\n--\n\nSay in a batch who writes it, and sum it up."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "streams.promise_records", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC PyInit_promise_records(void)
{
    fill_crc_table();
    return find_change_fields() < 0 ? NULL : PyModule_Create(&definition);
}
