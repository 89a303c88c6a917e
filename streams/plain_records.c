/* streams.plain_records in C: the records of uncompressed batches without headers, as views.

   The form of a batch: https://kafka.apache.org/documentation/#recordbatch. Whatever is not as it
   should be ends the reading before its batch, and another parser says why. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>

#include "crc32c.h"
#include "record_view.h"

enum {
    LENGTH = 8, MAGIC = 16, CHECKSUM = 17, ATTRIBUTES = 21, LAST_OFFSET = 23, FIRST_TIME = 27,
    MAX_TIME = 35, COUNT = 57, RECORDS = 61
};
#define UNCOUNTED 12 /* base offset and length, which the length does not count */
#define COMPRESSION 0x07
#define LOG_APPEND_TIME 0x08
#define CONTROL 0x20
#define LEAST_RECORD 7 /* bytes */

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
    int64_t size; /* with all that the length does not count */
    int64_t next_offset;
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

/* Reads the head of the batch that begins at `start`, of which `size` bytes are there at most. */
static int read_head(const char *start, Py_ssize_t size, head *batch)
{
    if (size < RECORDS || start[MAGIC] != 2)
        return 0;
    int attributes = (int)big_endian(start + ATTRIBUTES, 2);
    if (attributes & (COMPRESSION | CONTROL))
        return 0;
    int64_t length = (int32_t)big_endian(start + LENGTH, 4);
    batch->size = length + UNCOUNTED;
    batch->base_offset = (int64_t)big_endian(start, 8);
    batch->first_time = (int64_t)big_endian(start + FIRST_TIME, 8);
    batch->is_of_append = attributes & LOG_APPEND_TIME;
    batch->append_time = (int64_t)big_endian(start + MAX_TIME, 8);
    batch->count = (int32_t)big_endian(start + COUNT, 4);
    int64_t past = (int64_t)(int32_t)big_endian(start + LAST_OFFSET, 4) + 1;
    return batch->size >= RECORDS && batch->size <= size && batch->count >= 0
        && batch->count <= (batch->size - RECORDS) / LEAST_RECORD
        && !__builtin_add_overflow(batch->base_offset, past, &batch->next_offset);
}

static int is_sound(const char *start, const head *batch)
{
    uint32_t told = (uint32_t)big_endian(start + CHECKSUM, 4);
    return told == crc32c((const unsigned char *)start + ATTRIBUTES, batch->size - ATTRIBUTES);
}

/* Appends the records of a batch; -1: an error, 0: it is no usual batch, and none was appended. */
static int read_batch(cursor *c, const head *batch, PyObject *fetched, PyObject *all)
{
    Py_ssize_t before = PyList_GET_SIZE(all);
    for (int64_t i = 0; i < batch->count; i++) {
        record *one = PyObject_New(record, &record_type);
        if (one == NULL)
            return -1;
        one->fetched = Py_NewRef(fetched);
        int is_read = read_record(c, batch, one);
        int failed = is_read && PyList_Append(all, (PyObject *)one) < 0;
        Py_DECREF(one);
        if (failed)
            return -1;
        if (!is_read)
            break;
    }
    if (c->at == c->end && PyList_GET_SIZE(all) - before == batch->count)
        return 1;
    return PyList_SetSlice(all, before, PyList_GET_SIZE(all), NULL) < 0 ? -1 : 0;
}

/* Returns where reading ended, -1: an error. */
static Py_ssize_t read_some(PyObject *fetched, Py_ssize_t place, int checked, PyObject *all,
                            int64_t *next_offset)
{
    head batch;
    const char *start = PyBytes_AS_STRING(fetched) + place;
    const char *end = PyBytes_AS_STRING(fetched) + PyBytes_GET_SIZE(fetched);
    while (read_head(start, end - start, &batch) && (!checked || is_sound(start, &batch))) {
        cursor c = {(const unsigned char *)start + RECORDS, (const unsigned char *)start + batch.size};
        int found = read_batch(&c, &batch, fetched, all);
        if (found < 0)
            return -1;
        if (!found)
            break;
        start += batch.size;
        *next_offset = batch.next_offset;
    }
    return start - PyBytes_AS_STRING(fetched);
}

static PyObject *read_batches(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *fetched;
    Py_ssize_t place;
    long long next_offset;
    int checked;
    if (!PyArg_ParseTuple(arguments, "SnLp", &fetched, &place, &next_offset, &checked))
        return NULL;
    if (place < 0 || place > PyBytes_GET_SIZE(fetched)) {
        PyErr_SetString(PyExc_ValueError, "the place lies outside of what was fetched");
        return NULL;
    }
    PyObject *all = PyList_New(0);
    if (all == NULL)
        return NULL;
    int64_t next = next_offset;
    place = read_some(fetched, place, checked, all, &next);
    if (place < 0) {
        Py_DECREF(all);
        return NULL;
    }
    return Py_BuildValue("(NnL)", all, place, (long long)next);
}

static PyMethodDef functions[] = {
    {"read_batches", read_batches, METH_VARARGS,
     "read_batches(fetched, place, next_offset, checked)\n--\n\n"
     "Return the records of the usual batches from `place` on."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "streams.plain_records", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC PyInit_plain_records(void)
{
    fill_crc_table();
    if (PyType_Ready(&record_type) < 0 || (no_headers = PyTuple_New(0)) == NULL)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddType(module, &record_type) < 0)
        Py_CLEAR(module);
    return module;
}
