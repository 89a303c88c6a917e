/* streams.packed_changes in C: the same bytes as msgspec makes, straight from the fields. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#include "change_fields.h"

static PyObject *encode; /* msgspec.msgpack.Encoder().encode, for whatever is unusual */
static char keys[FIELDS][16]; /* of each field its name in MessagePack, */
static int key_sizes[FIELDS]; /* and how long that is */

typedef struct {
    char *bytes;
    size_t size, room;
} buffer;

static int make_room(buffer *to, size_t more)
{
    if (to->room - to->size >= more)
        return 1;
    size_t room = 2 * to->room + more;
    char *bytes = PyMem_Realloc(to->bytes, room);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    to->bytes = bytes, to->room = room;
    return 1;
}

/* A head and `width` bytes of a number, the highest first; there has to be room. */
static void put_head(buffer *to, int head, uint64_t number, int width)
{
    to->bytes[to->size++] = (char)head;
    while (width--)
        to->bytes[to->size++] = (char)(number >> (8 * width));
}

static void put_number(buffer *to, int64_t number)
{
    if (number >= -32 && number < 128)
        put_head(to, (int)(number & 0xff), 0, 0);
    else if (number < 0)
        number < INT32_MIN ? put_head(to, 0xd3, number, 8)
        : number < INT16_MIN ? put_head(to, 0xd2, number, 4)
        : number < INT8_MIN ? put_head(to, 0xd1, number, 2)
                            : put_head(to, 0xd0, number, 1);
    else
        number > UINT32_MAX ? put_head(to, 0xcf, number, 8)
        : number > UINT16_MAX ? put_head(to, 0xce, number, 4)
        : number > UINT8_MAX ? put_head(to, 0xcd, number, 2)
                             : put_head(to, 0xcc, number, 1);
}

static void put_text_head(buffer *to, size_t size)
{
    size < 32 ? put_head(to, 0xa0 | (int)size, 0, 0)
    : size <= UINT8_MAX ? put_head(to, 0xd9, size, 1)
    : size <= UINT16_MAX ? put_head(to, 0xda, size, 2)
                         : put_head(to, 0xdb, size, 4);
}

/* 0: it is unusual, or there is an error. */
static int put_value(buffer *to, PyObject *value)
{
    Py_ssize_t size = 0;
    const char *text = NULL;
    if (PyUnicode_CheckExact(value) && (text = PyUnicode_AsUTF8AndSize(value, &size)) == NULL)
        return 0;
    if (!make_room(to, size + 16))
        return 0;
    if (value == Py_None) {
        put_head(to, 0xc0, 0, 0);
    } else if (text != NULL) {
        put_text_head(to, size);
        memcpy(to->bytes + to->size, text, size);
        to->size += size;
    } else {
        int overflow = 0;
        int64_t number = PyLong_CheckExact(value) ? PyLong_AsLongLongAndOverflow(value, &overflow) : 0;
        if (!PyLong_CheckExact(value) || overflow)
            return 0;
        put_number(to, number);
    }
    return 1;
}

static int put_change(buffer *to, PyObject *change)
{
    PyObject *fields[FIELDS];
    if (!read_fields(change, fields) || !make_room(to, 1))
        return 0;
    put_head(to, 0x80 | FIELDS, 0, 0);
    for (int i = 0; i < FIELDS; i++) {
        if (!make_room(to, sizeof keys[i]))
            return 0;
        memcpy(to->bytes + to->size, keys[i], sizeof keys[i]);
        to->size += key_sizes[i];
        if (!put_value(to, fields[i]))
            return 0;
    }
    return 1;
}

static int put_changes(buffer *to, PyObject *changes)
{
    Py_ssize_t count = PyList_GET_SIZE(changes);
    if (!make_room(to, 200 * (size_t)count + 16))
        return 0;
    count < 16 ? put_head(to, 0x90 | (int)count, 0, 0)
    : count <= UINT16_MAX ? put_head(to, 0xdc, count, 2)
                          : put_head(to, 0xdd, count, 4);
    for (Py_ssize_t i = 0; i < count; i++)
        if (!put_change(to, PyList_GET_ITEM(changes, i)))
            return 0;
    return 1;
}

static PyObject *packed(PyObject *Py_UNUSED(module), PyObject *changes)
{
    PyObject *found = NULL;
    buffer to = {NULL, 0, 0};
    if (PyList_CheckExact(changes) && put_changes(&to, changes))
        found = PyBytes_FromStringAndSize(to.bytes, to.size);
    else if (!PyErr_Occurred())
        found = PyObject_CallOneArg(encode, changes);
    PyMem_Free(to.bytes);
    return found;
}

static int make_keys(void)
{
    for (int i = 0; i < FIELDS; i++) {
        size_t size = strlen(field_names[i]);
        keys[i][0] = (char)(0xa0 | size);
        memcpy(keys[i] + 1, field_names[i], size);
        key_sizes[i] = (int)size + 1;
    }
    PyObject *module = PyImport_ImportModule("msgspec.msgpack");
    PyObject *encoder = module == NULL ? NULL : PyObject_CallMethod(module, "Encoder", NULL);
    encode = encoder == NULL ? NULL : PyObject_GetAttrString(encoder, "encode");
    Py_XDECREF(module);
    Py_XDECREF(encoder);
    return encode == NULL ? -1 : 0;
}

static PyMethodDef functions[] = {
    {"packed", packed, METH_O, "packed(changes)\n--\n\nReturn them in MessagePack."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "streams.packed_changes", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC PyInit_packed_changes(void)
{
    if (find_change_fields() < 0 || make_keys() < 0)
        return NULL;
    return PyModule_Create(&definition);
}
