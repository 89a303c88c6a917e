/* Where the fields of a change stand in it: they are looked at without asking for a tuple of all.

   A change is a struct of msgspec, which keeps each field behind a member descriptor. */

/* In their order, see streams/ledger/changes.py. */
enum { AT, CALL_ID, CUSTOMER, DUE_AT, KEY, QUEUE, REVISION, STATE, VERDICT, WAIT, WAS, WAS_WAIT, FIELDS };

static const char *const field_names[FIELDS] = {
    "at", "call_id", "customer", "due_at", "key", "queue", "revision", "state", "verdict", "wait",
    "was", "was_wait",
};

static PyTypeObject *change_type;
static Py_ssize_t field_places[FIELDS];

static int find_change_fields(void)
{
    PyObject *module = PyImport_ImportModule("streams.ledger.changes");
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "Change");
    Py_XDECREF(module);
    if (type == NULL)
        return -1;
    for (int i = 0; i < FIELDS; i++) {
        PyObject *known = PyObject_GetAttrString(type, field_names[i]);
        if (known == NULL)
            return -1;
        if (Py_TYPE(known) != &PyMemberDescr_Type) {
            PyErr_SetString(PyExc_ImportError, "the fields of a change are not where they were");
            return -1;
        }
        field_places[i] = ((PyMemberDescrObject *)known)->d_member->offset;
        Py_DECREF(known);
    }
    change_type = (PyTypeObject *)type;
    return 0;
}

/* Reads the fields of a change, as it holds them; 0 if it is none or has none of a field. */
static int read_fields(PyObject *change, PyObject **fields)
{
    if (Py_TYPE(change) != change_type)
        return 0;
    for (int i = 0; i < FIELDS; i++)
        if ((fields[i] = *(PyObject **)((char *)change + field_places[i])) == NULL)
            return 0;
    return 1;
}

#define AHEAD 4

/* Asks for the memory of the changes that come next: it is a while since they were made, and to
   wait for it takes longer than all else. */
static void fetch_ahead(PyObject *changes, Py_ssize_t at)
{
    static const int own[] = {AT, CALL_ID, CUSTOMER, KEY, WAIT};
    Py_ssize_t left = PyList_GET_SIZE(changes) - at;
    if (left > 2 * AHEAD) {
        const char *later = (const char *)PyList_GET_ITEM(changes, at + 2 * AHEAD);
        __builtin_prefetch(later);
        __builtin_prefetch(later + 64);
    }
    PyObject *next = left > AHEAD ? PyList_GET_ITEM(changes, at + AHEAD) : NULL;
    if (next != NULL && Py_TYPE(next) == change_type)
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            __builtin_prefetch(*(PyObject **)((char *)next + field_places[own[i]]));
}
