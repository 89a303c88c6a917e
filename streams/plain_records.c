/* streams.plain_records in C: the records of an uncompressed batch without headers, as views.

   The form of a batch: https://kafka.apache.org/documentation/#recordbatch. Its checksum is the
   business of the caller; whatever is not as it should be gives None, and another parser says why. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>

enum { LENGTH = 8, MAGIC = 16, ATTRIBUTES = 21, FIRST_TIME = 27, MAX_TIME = 35, COUNT = 57, RECORDS = 61 };
#define UNCOUNTED 12 /* base offset and length, which the length does not count */
#define COMPRESSION 0x07
#define LOG_APPEND_TIME 0x08
#define CONTROL 0x20
#define LEAST_RECORD 7 /* bytes */

typedef struct {
    PyObject_HEAD
    PyObject *fetched; /* holds the bytes of key and value */
    const char *key;   /* NULL: none */
    const char *value; /* NULL: none */
    int64_t offset;
    int64_t timestamp;
    int32_t key_size;
    int32_t value_size;
} record;

static PyTypeObject record_type;
static PyObject *no_headers;

static void record_dealloc(record *self)
{
    Py_XDECREF(self->fetched);
    PyObject_Free(self);
}

static PyObject *bytes_or_none(const char *start, int32_t size)
{
    if (start == NULL)
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(start, size);
}

static PyObject *record_key(record *self, void *Py_UNUSED(closure))
{
    return bytes_or_none(self->key, self->key_size);
}

static PyObject *record_value(record *self, void *Py_UNUSED(closure))
{
    return bytes_or_none(self->value, self->value_size);
}

static PyObject *record_offset(record *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(self->offset);
}

static PyObject *record_timestamp(record *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(self->timestamp);
}

static PyObject *record_headers(record *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return Py_NewRef(no_headers);
}

static PyGetSetDef record_fields[] = {
    {"offset", (getter)record_offset, NULL, NULL, NULL},
    {"timestamp", (getter)record_timestamp, NULL, "Milliseconds.", NULL},
    {"key", (getter)record_key, NULL, NULL, NULL},
    {"value", (getter)record_value, NULL, NULL, NULL},
    {"headers", (getter)record_headers, NULL, "None of them.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject record_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "streams.plain_records.Record",
    .tp_doc = "A fetched record.",
    .tp_basicsize = sizeof(record),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)record_dealloc,
    .tp_getset = record_fields,
};

typedef struct {
    const unsigned char *at;
    const unsigned char *end;
} cursor;

static uint64_t big_endian(const char *start, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++)
        number = number << 8 | (unsigned char)start[i];
    return number;
}

/* Reads a zigzag number of at most `most` bytes. */
static int read_number(cursor *c, int most, int64_t *number)
{
    uint64_t raw = 0;
    for (int i = 0; i < most && c->at < c->end; i++) {
        unsigned char byte = *c->at++;
        raw |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *number = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
            return 1;
        }
    }
    return 0;
}

static int read_int(cursor *c, int64_t *number)
{
    return read_number(c, 5, number) && *number >= INT32_MIN && *number <= INT32_MAX;
}

/* Reads what has its size in front of it; -1: there is none. */
static int read_bytes(cursor *c, const char **start, int32_t *size)
{
    int64_t length;
    if (!read_int(c, &length) || length < -1 || length > c->end - c->at)
        return 0;
    *start = length < 0 ? NULL : (const char *)c->at;
    *size = length < 0 ? 0 : (int32_t)length;
    c->at += *size;
    return 1;
}

typedef struct {
    int64_t base_offset;
    int64_t first_time;
    int64_t append_time;
    int is_of_append; /* the broker's time holds for all records */
    int64_t count;
} head;

static int read_record(cursor *c, const head *batch, record *found)
{
    int64_t length, time, offset, headers;
    if (!read_int(c, &length) || length < 1 || length > c->end - c->at)
        return 0;
    cursor own = {c->at + 1, c->at + length};
    int attributes = *c->at; /* which mean nothing yet */
    c->at += length;
    if (attributes != 0 || !read_number(&own, 10, &time) || !read_int(&own, &offset)
        || !read_bytes(&own, &found->key, &found->key_size)
        || !read_bytes(&own, &found->value, &found->value_size)
        || !read_int(&own, &headers) || headers != 0 || own.at != own.end)
        return 0;
    if (__builtin_add_overflow(batch->base_offset, offset, &found->offset)
        || __builtin_add_overflow(batch->first_time, time, &found->timestamp))
        return 0;
    if (batch->is_of_append)
        found->timestamp = batch->append_time;
    return 1;
}

static int read_head(const char *start, Py_ssize_t size, head *batch)
{
    if (size < RECORDS || start[MAGIC] != 2)
        return 0;
    int attributes = (int)big_endian(start + ATTRIBUTES, 2);
    if (attributes & (COMPRESSION | CONTROL))
        return 0;
    batch->base_offset = (int64_t)big_endian(start, 8);
    batch->first_time = (int64_t)big_endian(start + FIRST_TIME, 8);
    batch->is_of_append = attributes & LOG_APPEND_TIME;
    batch->append_time = (int64_t)big_endian(start + MAX_TIME, 8);
    batch->count = (int32_t)big_endian(start + COUNT, 4);
    return (int64_t)big_endian(start + LENGTH, 4) + UNCOUNTED == size && batch->count >= 0
        && batch->count <= (size - RECORDS) / LEAST_RECORD;
}

static PyObject *read_all(cursor *c, const head *batch, PyObject *fetched)
{
    PyObject *all = PyList_New(batch->count);
    if (all == NULL)
        return NULL;
    for (int64_t i = 0; i < batch->count; i++) {
        record *one = PyObject_New(record, &record_type);
        if (one == NULL)
            goto failed;
        one->fetched = Py_NewRef(fetched);
        PyList_SET_ITEM(all, i, (PyObject *)one);
        if (!read_record(c, batch, one))
            goto failed;
    }
    if (c->at == c->end)
        return all;
failed:
    Py_DECREF(all);
    return NULL;
}

static PyObject *read_records(PyObject *Py_UNUSED(module), PyObject *given)
{
    if (!PyMemoryView_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "a batch is given as a memoryview");
        return NULL;
    }
    Py_buffer *view = PyMemoryView_GET_BUFFER(given);
    PyObject *fetched = PyMemoryView_GET_BASE(given);
    /* Only bytes stay what and where they are, whatever becomes of the view. */
    if (fetched == NULL || !PyBytes_CheckExact(fetched) || !PyBuffer_IsContiguous(view, 'C')
        || view->itemsize != 1)
        Py_RETURN_NONE;
    head batch;
    if (!read_head(view->buf, view->len, &batch))
        Py_RETURN_NONE;
    const unsigned char *start = view->buf;
    cursor c = {start + RECORDS, start + view->len};
    PyObject *all = read_all(&c, &batch, fetched);
    if (all == NULL && !PyErr_Occurred())
        Py_RETURN_NONE;
    return all;
}

static PyMethodDef functions[] = {
    {"read_records", read_records, METH_O,
     "read_records(batch)\n--\n\nReturn the records of a usual batch; None: it may be none."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "streams.plain_records", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC PyInit_plain_records(void)
{
    if (PyType_Ready(&record_type) < 0 || (no_headers = PyTuple_New(0)) == NULL)
        return NULL;
    return PyModule_Create(&definition);
}
