/* streams.promise_records in C: a change of the ledger straight to the bytes of its record.

   The same bytes as streams/promise_events.py makes, to which whatever is unusual is left. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define SECOND 1000000

/* The fields of a change in their order, see streams/ledger/changes.py. */
enum { AT, CALL_ID, CUSTOMER, DUE_AT, KEY, QUEUE, REVISION, STATE, VERDICT, WAIT, WAS, WAS_WAIT, FIELDS };

static PyObject *astuple;  /* msgspec.structs.astuple */
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
    for (Py_ssize_t i = 0; i < size; i++)
        if (bytes[i] < 0x20 || bytes[i] == '"' || bytes[i] == '\\')
            to->is_usual = 0;
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

/* As `rfc3339` in streams/instants.py; the calendar by whole eras of 400 years from a 1 March on. */
static void put_instant(line *to, PyObject *value)
{
    int64_t instant = number_of(value, to);
    if (!to->is_usual || instant >= INT64_C(253402300800) * SECOND) {
        to->is_usual = 0;
        return;
    }
    int64_t seconds = instant / SECOND, fraction = instant % SECOND;
    int64_t days = seconds / 86400 + 719468, rest = seconds % 86400;
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
    put_number(to, rest / 3600, 2);
    PUT(to, ":");
    put_number(to, rest / 60 % 60, 2);
    PUT(to, ":");
    put_number(to, rest % 60, 2);
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
static PyObject *record_key(PyObject *const *field)
{
    PyObject *about = field[CUSTOMER] != Py_None ? field[CUSTOMER] : field[CALL_ID];
    if (!PyUnicode_Check(about) || PyUnicode_GET_LENGTH(about) == 0)
        return NULL;
    return PyUnicode_AsUTF8String(about);
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

static PyObject *promise_record(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t number)
{
    if (number != 2) {
        PyErr_SetString(PyExc_TypeError, "promise_record takes a change and an epoch");
        return NULL;
    }
    PyObject *fields = PyObject_CallOneArg(astuple, args[0]);
    if (fields == NULL)
        return NULL;
    line value;
    value.size = 0;
    value.is_usual = PyTuple_CheckExact(fields) && PyTuple_GET_SIZE(fields) == FIELDS;
    PyObject *key = NULL, *bytes = NULL;
    if (value.is_usual) {
        PyObject *const *field = &PyTuple_GET_ITEM(fields, 0);
        put_change(&value, field);
        PUT(&value, ",\"epoch\":");
        put_number(&value, number_of(args[1], &value), 1);
        PUT(&value, "}");
        if (value.is_usual)
            key = record_key(field);
    }
    Py_DECREF(fields);
    if (key == NULL)
        return PyErr_Occurred() ? NULL : by_event(args[0], args[1]);
    bytes = PyBytes_FromStringAndSize(value.bytes, value.size);
    PyObject *record = bytes == NULL ? NULL : PyTuple_Pack(2, key, bytes);
    Py_DECREF(key);
    Py_XDECREF(bytes);
    return record;
}

static PyMethodDef functions[] = {
    {"promise_record", (PyCFunction)(void (*)(void))promise_record, METH_FASTCALL,
     "promise_record(change, epoch)\n--\n\nReturn key and value of the record that tells of it."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "streams.promise_records", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC PyInit_promise_records(void)
{
    PyObject *structs = PyImport_ImportModule("msgspec.structs");
    if (structs == NULL)
        return NULL;
    astuple = PyObject_GetAttrString(structs, "astuple");
    Py_DECREF(structs);
    return astuple == NULL ? NULL : PyModule_Create(&definition);
}
