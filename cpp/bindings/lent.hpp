#pragma once
#include <vector>

#include "arrays.hpp"

/// Rows that come in one by one, at the price of a look: buffers, lists and tuples of numbers.
namespace deltarule::bindings {

/// A truth value of one byte, which need not be 0 or 1.
struct Truth {
    unsigned char byte;
    explicit operator double() const { return byte != 0; }
};

/// Memory that an object lends, given back at the end of the call.
class Lent {
public:
    Lent(nb::handle object, int flags) {
        held_ = PyObject_CheckBuffer(object.ptr()) &&
                PyObject_GetBuffer(object.ptr(), &view_, flags | PyBUF_FORMAT | PyBUF_STRIDES) == 0;
        if (!held_) PyErr_Clear();
    }
    ~Lent() {
        if (held_) PyBuffer_Release(&view_);
    }
    Lent(const Lent&) = delete;

    explicit operator bool() const { return held_; }
    const Py_buffer& view() const { return view_; }
    template <class S>
    bool holds() const {
        constexpr char letter = sizeof(S) == 4 ? 'f' : 'd';
        return view_.format && view_.format[0] == letter && !view_.format[1];
    }

    /// Calls `act` with a number of the kind that the memory holds; false where that is no integer. Text
    /// is not asked: its bytes are letters.
    template <class Act>
    bool as_integers(Act act) const {
        if (!view_.format || view_.format[0] == 0 || view_.format[1] != 0) return false;
        switch (view_.format[0]) {
            case '?': return act(Truth{});
            case 'b': return act(static_cast<signed char>(0));
            case 'B': return act(static_cast<unsigned char>(0));
            case 'h': return act(static_cast<short>(0));
            case 'H': return act(static_cast<unsigned short>(0));
            case 'i': return act(0);
            case 'I': return act(0u);
            case 'l': return act(0l);
            case 'L': return act(0ul);
            case 'q': return act(0ll);
            case 'Q': return act(0ull);
            default: return false;
        }
    }

private:
    Py_buffer view_;
    bool held_;
};

/// A number of Python's as it is; false for anything else.
inline bool number_at(nb::handle object, double& to) {
    PyObject* const o = object.ptr();
    if (PyFloat_Check(o)) return to = PyFloat_AS_DOUBLE(o), true;
    if (!PyLong_Check(o)) return false;
    to = PyLong_AsDouble(o);
    if (to == -1 && PyErr_Occurred()) return PyErr_Clear(), false;
    return true;
}

/// The numbers of a list or tuple of floats and integers; false where anything else is in it.
inline bool numbers_of(nb::handle sequence, std::vector<double>& to, int64_t count) {
    PyObject* const s = sequence.ptr();
    if (PySequence_Fast_GET_SIZE(s) != count) return false;
    PyObject** const items = PySequence_Fast_ITEMS(s);
    to.resize(size_t(count));
    for (int64_t i = 0; i < count; ++i)
        if (!number_at(items[i], to[size_t(i)])) return false;
    return true;
}

}  // namespace deltarule::bindings
