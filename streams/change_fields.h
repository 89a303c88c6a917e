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
