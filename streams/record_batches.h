/* Writing batches of records: https://kafka.apache.org/documentation/#recordbatch */

#include "crc32c.h"

enum {
    LENGTH = 8, LEADER_EPOCH = 12, MAGIC = 16, CHECKSUM = 17, ATTRIBUTES = 21, LAST_OFFSET = 23,
    FIRST_TIME = 27, MAX_TIME = 35, PRODUCER = 43, PRODUCER_EPOCH = 51, SEQUENCE = 53, COUNT = 57, RECORDS = 61
};
#define UNCOUNTED 12 /* base offset and length, which the length does not count */

static void put_big_endian(char *to, uint64_t number, int size)
{
    while (size--) {
        to[size] = (char)(number & 0xff);
        number >>= 8;
    }
}

/* A zigzag number; returns where it ends. */
static char *put_zigzag(char *to, int64_t number)
{
    uint64_t raw = (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
    for (; raw >= 0x80; raw >>= 7)
        *to++ = (char)(raw | 0x80);
    *to++ = (char)raw;
    return to;
}

static int zigzag_size(int64_t number)
{
    char room[10];
    return (int)(put_zigzag(room, number) - room);
}

typedef struct {
    const char *key; /* NULL: none */
    const char *value;
    Py_ssize_t key_size;
    Py_ssize_t value_size;
} parts;

/* Appends a record to a batch; 0: it would be longer than `room`, -1: an error. */
static int append(PyObject *batch, int64_t offset, const parts *record, Py_ssize_t room)
{
    Py_ssize_t before = PyByteArray_GET_SIZE(batch);
    Py_ssize_t body = 3 + zigzag_size(offset) + zigzag_size(record->key_size)
        + (record->key ? record->key_size : 0) + zigzag_size(record->value_size) + record->value_size;
    Py_ssize_t after = before + zigzag_size(body) + body;
    if (offset && after > room)
        return 0;
    if (PyByteArray_Resize(batch, after) < 0)
        return -1;
    char *to = put_zigzag(PyByteArray_AS_STRING(batch) + before, body);
    *to++ = 0; /* attributes */
    *to++ = 0; /* as old as the first one */
    to = put_zigzag(to, offset);
    to = put_zigzag(to, record->key_size);
    if (record->key)
        memcpy(to, record->key, record->key_size), to += record->key_size;
    to = put_zigzag(to, record->value_size);
    memcpy(to, record->value, record->value_size), to += record->value_size;
    *to = 0; /* headers */
    return 1;
}

static void put_head(char *head, Py_ssize_t size, int64_t count, int64_t time)
{
    memset(head, 0, RECORDS);
    put_big_endian(head + LENGTH, size - UNCOUNTED, 4);
    put_big_endian(head + LEADER_EPOCH, UINT32_MAX, 4); /* nobody's yet */
    head[MAGIC] = 2;
    put_big_endian(head + LAST_OFFSET, count - 1, 4);
    put_big_endian(head + FIRST_TIME, time, 8);
    put_big_endian(head + MAX_TIME, time, 8);
    put_big_endian(head + COUNT, count, 4);
}

/* Says in a batch who writes it, and its checksum. */
static void sum_up(PyObject *batch, int64_t producer, int epoch, int sequence)
{
    char *head = PyByteArray_AS_STRING(batch);
    put_big_endian(head + PRODUCER, producer, 8);
    put_big_endian(head + PRODUCER_EPOCH, epoch, 2);
    put_big_endian(head + SEQUENCE, sequence, 4);
    Py_ssize_t size = PyByteArray_GET_SIZE(batch) - ATTRIBUTES;
    put_big_endian(head + CHECKSUM, crc32c((const unsigned char *)head + ATTRIBUTES, size), 4);
}
