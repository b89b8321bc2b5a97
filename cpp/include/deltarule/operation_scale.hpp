#pragma once
#include "deltarule/operation_normalization.hpp"
#include "deltarule/used_columns.hpp"

/// Equation (12), in front of the first layer: a = gain ⊙ x. A column of inputs that is zero throughout a
/// strip stays so, and the first layer leaves it out.
///
/// Of a gain the gradient is Σ δ x over the rows: a strip writes its own sum, and the sums are added strip
/// after strip. A column that the strip's list leaves out has neither δ nor a part in the sum.
namespace deltarule::DELTARULE_ISA {

/// Adds up what the strips have summed, `size` numbers each, in their order.
template <class T>
void add_strips(const Batch<T>& batch, const Operation& self, int64_t size, T* to) {
    for (int64_t first = 0; first < size; first += unit_block) {
        const int64_t rest = size - first, count = rest < unit_block ? rest : unit_block;
        double total[unit_block] = {};
        for (int64_t begin = 0, number = 0; begin < batch.count; begin += batch.strip_rows, ++number) {
            const T* const from = sums_of(batch, number, self) + first;
            for (int64_t i = 0; i < count; ++i) total[i] += double(from[i]);
        }
        for (int64_t i = first; i < first + count; ++i)
            to[i] = T(total[i - first]) + (batch.add ? to[i] : T(0));
    }
}

template <class T>
const T* gains_of(const Batch<T>& batch) {
    return batch.store.weights + batch.network->prelude.gain;
}

/// The strip's list where nothing else than its columns has been written: of rows of CSR.
template <class T>
int32_t* written_list(const Strip<T>& s, const Operation& self) {
    return self.listed && !s.batch.samples->dense ? list_of(s.batch, s.slot) : nullptr;
}

template <class T>
void scale_forward(const Strip<T>& s, const Operation& self) {
    const T *const x = s.values(self.input), *const gain = gains_of(s.batch);
    T* const a = s.values(self.output);
    int32_t* const list = written_list(s, self);
    const int64_t width = s.batch.widths[self.output], count = list ? *list - 1 : width;
    with_vectors(s, [&]<int vectors>() {
        for (int64_t i = 0; i < count; ++i) {
            const int64_t column = list ? columns_of(list, width)[i] : i, at = column * strip<T>;
            for (int v = 0; v < vectors; ++v)
                store(a + at + v * lanes<T>, load(x + at + v * lanes<T>) * gain[column]);
        }
    });
    set_ones(a + width * strip<T>);
}

template <class T>
void scale_backward(const Strip<T>& s, const Operation& self) {
    const T *const x = s.values(self.input), *const delta = s.delta(self.output);
    const T* const gain = gains_of(s.batch);
    T *const sums = sums_of(s.batch, s.number, self), *const below = s.delta(self.input);
    int32_t* const list = self.listed ? list_of(s.batch, s.slot) : nullptr;
    const int64_t width = s.batch.widths[self.output];
    with_vectors(s, [&]<int vectors>() {
        for (int64_t first = 0; first < width; first += lanes<T>)
            store(sums + first, unit_sums<T>(first, width, [&](int64_t column) {
                      Vec<T> total = splat<T>(T(0));
                      if (list && !is_listed(list, column)) return total;
                      for (int64_t v = 0, at = column * strip<T>; v < vectors; ++v, at += lanes<T>)
                          total = multiply_add<T>(load(x + at), load(delta + at), total);
                      return total;
                  }));
        if (self.input == 0) return;
        for (int64_t column = 0; column < width; ++column)
            for (int64_t v = 0, at = column * strip<T>; v < vectors; ++v, at += lanes<T>)
                store(below + at, load(delta + at) * gain[column]);
    });
}

template <class T>
void scale_gradient(const Batch<T>& batch, const Task& task, const Rectangle<T>& to) {
    add_strips(batch, batch.operations[task.operation], batch.network->prelude.gain_size, to.at);
}

template <class T>
constexpr OperationFunctions<T> scale_functions = {&scale_forward<T>, &scale_backward<T>, &scale_gradient<T>};

}  // namespace deltarule::DELTARULE_ISA
