#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "deltarule/meetings.hpp"
#include "deltarule/plan.hpp"

/// Arrays that come in from Python, checked, and arrays that go out.
namespace deltarule::bindings {

namespace nb = nanobind;

/// Counts and clocks end here, so that sums of two of them are numbers still.
inline constexpr int64_t largest = int64_t(1) << 61;

using Input = nb::ndarray<nb::ro, nb::device::cpu>;
/// Arrays at work. While they stand here, what lent their memory neither frees nor resizes it; the
/// object alone does not promise that: a new array may lie behind each `__dlpack__`.
using Held = std::vector<Input>;
template <class T>
using Output = nb::ndarray<nb::numpy, T>;
[[noreturn]] inline void refuse(const std::string& sentence) { throw nb::value_error(sentence.c_str()); }

/// A number of Python's that fits, or a sentence.
template <class T>
T number_of(nb::handle object, const std::string& must) {
    T number{};
    if (!nb::try_cast<T>(object, number)) refuse(must + ".");
    return number;
}

/// An array whose memory is there to be read as it is: no list, no foreign byte order, no objects.
inline Input array_of(nb::handle object, const std::string& name) {
    Input array;
    if (object.is_none() || !nb::try_cast<Input>(object, array))
        refuse(name + " must be an array of numbers in this machine's byte order. Pass numpy.asarray of it.");
    return array;
}

inline std::string shape_text(const std::vector<int64_t>& shape) {
    std::string text = "(";
    for (int64_t extent : shape) text += (extent < 0 ? "any" : std::to_string(extent)) + ", ";
    if (shape.empty()) return "()";
    return text.substr(0, text.size() - 2) + ")";
}

inline bool contiguous(const Input& array) {
    if (array.size() == 0) return true;
    int64_t step = 1;
    for (size_t axis = array.ndim(); axis-- > 0; step *= int64_t(array.shape(axis)))
        if (array.shape(axis) > 1 && array.stride(axis) != step) return false;
    return true;
}

/// The data of an array of exactly this type and shape; -1 stands for any extent.
template <class T>
const T* data_of(const Input& array, const std::string& name, const std::vector<int64_t>& shape) {
    bool fits = array.ndim() == shape.size();
    std::vector<int64_t> got;
    for (size_t axis = 0; axis < array.ndim(); ++axis) {
        got.push_back(int64_t(array.shape(axis)));
        if (axis < shape.size() && shape[axis] >= 0 && shape[axis] != got.back()) fits = false;
    }
    if (!fits) refuse(name + " must have the shape " + shape_text(shape) + " (got " + shape_text(got) + ").");
    if (array.dtype() != nb::dtype<T>())
        refuse(name + " must hold " +
               (nb::dtype<T>().code == uint8_t(nb::dlpack::dtype_code::Float) ? "float" : "int") +
               std::to_string(8 * sizeof(T)) + " numbers, as the session does. Convert it first.");
    if (!contiguous(array)) refuse(name + " must be C-contiguous. Pass numpy.ascontiguousarray of it.");
    if (array.size() && reinterpret_cast<uintptr_t>(array.data()) % sizeof(T))
        refuse(name + " must lie at an address that is a multiple of its numbers' size. Pass a copy of it.");
    return static_cast<const T*>(array.data());
}

/// How many numbers a shape has. A row that stands for 2^60 rows takes no memory, its results do.
inline size_t count_of(const std::vector<size_t>& shape) {
    size_t count = 1;
    for (size_t extent : shape)
        if (__builtin_mul_overflow(count, extent, &count)) throw std::bad_alloc();
    return count;
}

template <class T>
Output<T> new_array(std::vector<size_t> shape) {
    const size_t count = count_of(shape);
    T* data = new T[count ? count : 1]();
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    return Output<T>(data, shape.size(), shape.data(), owner);
}

template <class T>
const T* data_of(nb::handle object, const std::string& name, const std::vector<int64_t>& shape, Held& held) {
    held.push_back(array_of(object, name));
    return data_of<T>(held.back(), name, shape);
}

/// Columns must lie inside and ascend, rows must not run backwards: the kernels do not look.
template <class Index>
void check_sparse(const Index* columns, const Index* starts, int64_t rows, int64_t width, int64_t stored) {
    if (starts[0] != 0 || starts[rows] != stored)
        refuse("indptr of X must run from 0 to the number of stored values.");
    for (int64_t i = 0; i < rows; ++i)
        if (starts[i] > starts[i + 1]) refuse("indptr of X must not decrease.");
    for (int64_t i = 0; i < stored; ++i)
        if (columns[i] < 0 || columns[i] >= width)
            refuse("indices of X must be column numbers below " + std::to_string(width) + ".");
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t i = starts[row] + 1; i < starts[row + 1]; ++i)
            if (columns[i - 1] >= columns[i])
                refuse("indices of X must ascend within each row. Call X.sum_duplicates() first.");
}

/// X: an array, or the CSR tuple (data, indices, indptr, (rows, columns)).
template <class T>
Samples<T> samples_of(nb::handle X, int64_t width, Held& held) {
    Samples<T> samples;
    if (!nb::isinstance<nb::tuple>(X)) {
        samples.dense = data_of<T>(X, "X", {-1, width}, held);
        samples.rows = int64_t(held.back().shape(0));
        return samples;
    }
    const auto parts = nb::cast<nb::tuple>(X);
    nb::tuple shape;
    if (parts.size() != 4 || !nb::try_cast<nb::tuple>(parts[3], shape) || shape.size() != 2)
        refuse("X must be an array or the CSR tuple (data, indices, indptr, (rows, columns)).");
    const Input data = array_of(parts[0], "data of X"), indices = array_of(parts[1], "indices of X"),
                indptr = array_of(parts[2], "indptr of X");
    samples.rows = number_of<int64_t>(shape[0], "the rows of X must be an integer");
    if (samples.rows < 0 || samples.rows > largest)
        refuse("X must have at least 0 rows (got " + std::to_string(samples.rows) + ").");
    if (number_of<int64_t>(shape[1], "the columns of X must be an integer") != width)
        refuse("X must have " + std::to_string(width) + " columns.");
    samples.values = data_of<T>(data, "data of X", {-1});
    const int64_t stored = int64_t(data.shape(0));
    if (indices.dtype() == nb::dtype<int32_t>()) {
        samples.columns32 = data_of<int32_t>(indices, "indices of X", {stored});
        samples.starts32 = data_of<int32_t>(indptr, "indptr of X", {samples.rows + 1});
        check_sparse(samples.columns32, samples.starts32, samples.rows, width, stored);
    } else {
        samples.columns64 = data_of<int64_t>(indices, "indices of X", {stored});
        samples.starts64 = data_of<int64_t>(indptr, "indptr of X", {samples.rows + 1});
        check_sparse(samples.columns64, samples.starts64, samples.rows, width, stored);
    }
    samples.written_out = meet_in_columns(samples, width);
    held.insert(held.end(), {data, indices, indptr});
    return samples;
}

template <class T>
void add_targets(Samples<T>& samples, nb::handle D, nb::handle weight, int64_t units, Held& held) {
    samples.target = data_of<T>(D, "D", {samples.rows, units}, held);
    if (!weight.is_none()) samples.weight = data_of<T>(weight, "sample_weight", {samples.rows}, held);
}

}  // namespace deltarule::bindings
