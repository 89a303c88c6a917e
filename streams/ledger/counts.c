/* streams.ledger.counts in C: the same class, its numbers side by side in 64 bits each. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    PyObject_VAR_HEAD
    int64_t numbers[1];
} counts;

static PyTypeObject counts_type;

/* What comes out of bytes leaves room for counting on. */
#define ROOMY ((int64_t)1 << 60)

static int64_t number_of(PyObject *value)
{
    return (int64_t)PyLong_AsLongLong(value);
}

static int overflown(void)
{
    PyErr_SetString(PyExc_OverflowError, "a count that 64 bits do not hold");
    return -1;
}

static int64_t *at(counts *self, PyObject *where)
{
    /* Clipped: a number too large for a place is none there is, either. */
    Py_ssize_t place = PyNumber_AsSsize_t(where, NULL);
    if (place == -1 && PyErr_Occurred())
        return NULL;
    if (place >= 0 && place < Py_SIZE(self))
        return &self->numbers[place];
    PyErr_SetObject(PyExc_IndexError, where);
    return NULL;
}

static int add_to(int64_t *count, int64_t number)
{
    int64_t sum;
    if (__builtin_add_overflow(*count, number, &sum))
        return overflown();
    *count = sum;
    return 0;
}

static PyObject *counts_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"size", NULL};
    Py_ssize_t size;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n", names, &size))
        return NULL;
    /* The memory comes zeroed. */
    return type->tp_alloc(type, size < 0 ? 0 : size);
}

static PyObject *counts_add(counts *self, PyObject *const *args, Py_ssize_t given)
{
    if (given != 2) {
        PyErr_SetString(PyExc_TypeError, "add takes a place and a number");
        return NULL;
    }
    int64_t *count = at(self, args[0]);
    if (count == NULL)
        return NULL;
    int64_t number = number_of(args[1]);
    if ((number == -1 && PyErr_Occurred()) || add_to(count, number) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *counts_add_one(counts *self, PyObject *const *args, Py_ssize_t given)
{
    for (Py_ssize_t i = 0; i < given; i++) {
        int64_t *count = at(self, args[i]);
        if (count == NULL || add_to(count, 1) < 0)
            return NULL;
    }
    Py_RETURN_NONE;
}

static counts *like(counts *self, PyObject *other)
{
    if (Py_TYPE(other) != &counts_type) {
        PyErr_SetString(PyExc_TypeError, "counts go together with counts");
        return NULL;
    }
    if (Py_SIZE(other) != Py_SIZE(self)) {
        PyErr_SetString(PyExc_ValueError, "counts of another size");
        return NULL;
    }
    return (counts *)other;
}

/* All or nothing, as in Python: with an overflow everything stays as it was. */
static PyObject *combined(counts *self, PyObject *given, int sign)
{
    counts *other = like(self, given);
    if (other == NULL)
        return NULL;
    Py_ssize_t size = Py_SIZE(self);
    int is_over = 0;
    int64_t sum;
    for (Py_ssize_t i = 0; i < size; i++)
        is_over |= sign > 0 ? __builtin_add_overflow(self->numbers[i], other->numbers[i], &sum)
                            : __builtin_sub_overflow(self->numbers[i], other->numbers[i], &sum);
    if (is_over) {
        overflown();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++)
        if (sign > 0)
            self->numbers[i] += other->numbers[i];
        else
            self->numbers[i] -= other->numbers[i];
    Py_RETURN_NONE;
}

static PyObject *counts_merge(counts *self, PyObject *other)
{
    return combined(self, other, 1);
}

static PyObject *counts_take_away(counts *self, PyObject *other)
{
    return combined(self, other, -1);
}

static PyObject *counts_numbers(counts *self, PyObject *Py_UNUSED(none))
{
    PyObject *found = PyList_New(Py_SIZE(self));
    for (Py_ssize_t i = 0; found != NULL && i < Py_SIZE(self); i++) {
        PyObject *number = PyLong_FromLongLong(self->numbers[i]);
        if (number == NULL)
            Py_CLEAR(found);
        else
            PyList_SET_ITEM(found, i, number);
    }
    return found;
}

static PyObject *counts_set(counts *self, PyObject *given)
{
    PyObject *items = PySequence_Fast(given, "counts are set to a sequence");
    if (items == NULL)
        return NULL;
    Py_ssize_t size = PySequence_Fast_GET_SIZE(items);
    int64_t *numbers = NULL;
    if (size != Py_SIZE(self))
        PyErr_SetString(PyExc_ValueError, "counts of another size");
    else if ((numbers = PyMem_New(int64_t, size + 1)) == NULL)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; numbers != NULL && i < size && !PyErr_Occurred(); i++)
        numbers[i] = number_of(PySequence_Fast_GET_ITEM(items, i));
    Py_DECREF(items);
    if (!PyErr_Occurred())
        memcpy(self->numbers, numbers, size * sizeof *numbers);
    PyMem_Free(numbers);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static int place_pair(counts *self, int64_t *numbers, PyObject *where, PyObject *value)
{
    int64_t *count = at(self, where);
    if (count == NULL)
        return -1;
    int64_t number = number_of(value);
    if (number == -1 && PyErr_Occurred())
        PyErr_Clear(), number = ROOMY; /* more than 64 bits, or no number at all */
    Py_ssize_t place = count - self->numbers;
    if (numbers[place] || number == 0 || number <= -ROOMY || number >= ROOMY) {
        PyErr_SetObject(PyExc_ValueError, value);
        return -1;
    }
    numbers[place] = number;
    return 0;
}

static PyObject *counts_set_pairs(counts *self, PyObject *given)
{
    PyObject *items = PySequence_Fast(given, "counts are set to a sequence");
    if (items == NULL)
        return NULL;
    Py_ssize_t length = PySequence_Fast_GET_SIZE(items);
    Py_ssize_t size = Py_SIZE(self);
    int64_t *numbers = PyMem_Calloc(size + 1, sizeof *numbers);
    int failed = numbers == NULL;
    if (failed)
        PyErr_NoMemory();
    else if ((failed = length % 2))
        PyErr_SetString(PyExc_ValueError, "a place without a number");
    for (Py_ssize_t i = 0; !failed && i < length; i += 2)
        failed = place_pair(self, numbers, PySequence_Fast_GET_ITEM(items, i),
                            PySequence_Fast_GET_ITEM(items, i + 1));
    if (!failed)
        memcpy(self->numbers, numbers, size * sizeof *numbers);
    PyMem_Free(numbers);
    Py_DECREF(items);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static int append(PyObject *list, int64_t number)
{
    PyObject *item = PyLong_FromLongLong(number);
    int failed = item == NULL ? -1 : PyList_Append(list, item);
    Py_XDECREF(item);
    return failed;
}

static PyObject *counts_pairs(counts *self, PyObject *Py_UNUSED(none))
{
    PyObject *found = PyList_New(0);
    for (Py_ssize_t i = 0; found != NULL && i < Py_SIZE(self); i++)
        if (self->numbers[i] && (append(found, i) < 0 || append(found, self->numbers[i]) < 0))
            Py_CLEAR(found);
    return found;
}

#define FAST(function) (PyCFunction)(void (*)(void)) function
static PyMethodDef methods[] = {
    {"add", FAST(counts_add), METH_FASTCALL, "Add a number to the count at a place."},
    {"add_one", FAST(counts_add_one), METH_FASTCALL, "Add 1 to the count at each place."},
    {"merge", (PyCFunction)counts_merge, METH_O, "Add what is in another."},
    {"take_away", (PyCFunction)counts_take_away, METH_O, "Subtract what is in another."},
    {"numbers", (PyCFunction)counts_numbers, METH_NOARGS, "Return all of them."},
    {"set", (PyCFunction)counts_set, METH_O, "Have these numbers."},
    {"set_pairs", (PyCFunction)counts_set_pairs, METH_O, "Have these numbers at these places."},
    {"pairs", (PyCFunction)counts_pairs, METH_NOARGS, "Return place and number of those not 0."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject counts_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "streams.ledger.counts.Counts",
    .tp_doc = "Integers, all 0 at first: Counts(size).",
    .tp_basicsize = offsetof(counts, numbers),
    .tp_itemsize = sizeof(int64_t),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = methods,
    .tp_new = counts_new,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "streams.ledger.counts", .m_size = -1,
};

PyMODINIT_FUNC PyInit_counts(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddType(module, &counts_type) < 0)
        Py_CLEAR(module);
    return module;
}
