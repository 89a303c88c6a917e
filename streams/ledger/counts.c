/* streams.ledger.counts in C: the same class, its numbers side by side in 64 bits each. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

typedef struct {
    PyObject_VAR_HEAD
    int64_t longest;
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

/* Counts(size), without a tuple of arguments: one is made for every five seconds of a queue. The
   memory comes zeroed. */
static PyObject *counts_new(PyObject *type, PyObject *const *args, size_t given, PyObject *names)
{
    if (PyVectorcall_NARGS(given) != 1 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "Counts takes its size, and nothing else");
        return NULL;
    }
    Py_ssize_t size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    return counts_type.tp_alloc((PyTypeObject *)type, size < 0 ? 0 : size);
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

/* All or nothing, as in Python: with an overflow everything stays as it was. The highest bit tells
   of one; unsigned and without a branch, so that it is done with vectors. */
static inline int combine(counts *self, const counts *other, int sign)
{
    Py_ssize_t size = Py_SIZE(self);
    uint64_t over = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        uint64_t mine = self->numbers[i], theirs = other->numbers[i];
        if (sign > 0)
            over |= (mine ^ (mine + theirs)) & (theirs ^ (mine + theirs));
        else
            over |= (mine ^ theirs) & (mine ^ (mine - theirs));
    }
    if (over >> 63)
        return overflown();
    for (Py_ssize_t i = 0; i < size; i++)
        if (sign > 0)
            self->numbers[i] += other->numbers[i];
        else
            self->numbers[i] -= other->numbers[i];
    return 0;
}

static int merge(counts *self, PyObject *given)
{
    counts *other = like(self, given);
    if (other == NULL || combine(self, other, 1) < 0)
        return -1;
    if (other->longest > self->longest)
        self->longest = other->longest;
    return 0;
}

static int take_away(counts *self, PyObject *given)
{
    counts *other = like(self, given);
    return other == NULL ? -1 : combine(self, other, -1);
}

static PyObject *counts_merge(counts *self, PyObject *other)
{
    return merge(self, other) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *counts_take_away(counts *self, PyObject *other)
{
    return take_away(self, other) < 0 ? NULL : Py_NewRef(Py_None);
}

/* Reads a dictionary of counts and as many numbers as are `wanted`; 0: it is not that. */
static int read_some(PyObject *const *args, Py_ssize_t given, int wanted, int64_t *numbers)
{
    if (given != wanted + 1 || !PyDict_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "it takes a dictionary of counts, and numbers");
        return 0;
    }
    for (int i = 0; i < wanted; i++)
        if ((numbers[i] = number_of(args[i + 1])) == -1 && PyErr_Occurred())
            return 0;
    return 1;
}

/* 1: its number is after the first bound, until the second; 0: it is not; -1: it is none. */
static int is_within(PyObject *key, const int64_t *bounds)
{
    int64_t number = number_of(key);
    if (number == -1 && PyErr_Occurred())
        return -1;
    return number > bounds[0] && number <= bounds[1];
}

static PyObject *counts_merge_within(counts *self, PyObject *const *args, Py_ssize_t given)
{
    int64_t bounds[2];
    if (!read_some(args, given, 2, bounds))
        return NULL;
    PyObject *key, *other;
    for (Py_ssize_t place = 0; PyDict_Next(args[0], &place, &key, &other);) {
        int is_one = is_within(key, bounds);
        if (is_one < 0 || (is_one && merge(self, other) < 0))
            return NULL;
    }
    Py_RETURN_NONE;
}

/* Without `bounds` all of them: their numbers, cold after an hour, are not looked at. */
static PyObject *take_some_away(counts *self, PyObject *others, const int64_t *bounds)
{
    PyObject *key, *other;
    int64_t longest = 0;
    for (Py_ssize_t place = 0; PyDict_Next(others, &place, &key, &other);) {
        int is_one = bounds == NULL ? 1 : is_within(key, bounds);
        if (is_one < 0 || (is_one && take_away(self, other) < 0))
            return NULL;
        if (is_one && ((counts *)other)->longest > longest)
            longest = ((counts *)other)->longest;
    }
    return PyLong_FromLongLong(longest);
}

static PyObject *counts_take_away_all(counts *self, PyObject *others)
{
    if (read_some(&others, 1, 0, NULL))
        return take_some_away(self, others, NULL);
    return NULL;
}

static PyObject *counts_take_away_within(counts *self, PyObject *const *args, Py_ssize_t given)
{
    int64_t bounds[2];
    if (read_some(args, given, 2, bounds))
        return take_some_away(self, args[0], bounds);
    return NULL;
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
    {"merge_within", FAST(counts_merge_within), METH_FASTCALL, "Add those of some numbers."},
    {"take_away_all", (PyCFunction)counts_take_away_all, METH_O,
     "Subtract what is in others, and return the longest duration."},
    {"take_away_within", FAST(counts_take_away_within), METH_FASTCALL,
     "Subtract those of some numbers, and return the longest duration."},
    {"numbers", (PyCFunction)counts_numbers, METH_NOARGS, "Return all of them."},
    {"set", (PyCFunction)counts_set, METH_O, "Have these numbers."},
    {"set_pairs", (PyCFunction)counts_set_pairs, METH_O, "Have these numbers at these places."},
    {"pairs", (PyCFunction)counts_pairs, METH_NOARGS, "Return place and number of those not 0."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"longest", T_LONGLONG, offsetof(counts, longest), 0, "The longest duration (microseconds)."},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject counts_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "streams.ledger.counts.Counts",
    .tp_doc = "Integers, all 0 at first: Counts(size).",
    .tp_basicsize = offsetof(counts, numbers),
    .tp_itemsize = sizeof(int64_t),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = methods,
    .tp_members = members,
    .tp_vectorcall = counts_new,
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
