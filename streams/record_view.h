/* A fetched record as a view: key and value lie in the bytes that were fetched. */

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
