#pragma once
#include "deltarule/plan.hpp"
#include "deltarule/simd.hpp"

/// Rows of CSR against weight panels [units / lanes][rows][lanes]: only stored entries are touched.
/// Their columns ascend, and the bias comes last, so that every sum has the order of a dense row's.
namespace deltarule::DELTARULE_ISA {

/// Calls `act(column, value)` for the stored entries of a row, in the order of storage.
template <class T, class Action>
DELTARULE_INLINE void each_entry(const Samples<T>& from, int64_t row, Action act) {
    if (from.starts32)
        for (int64_t at = from.starts32[row]; at < from.starts32[row + 1]; ++at)
            act(int64_t(from.columns32[at]), from.values[at]);
    else
        for (int64_t at = from.starts64[row]; at < from.starts64[row + 1]; ++at)
            act(from.columns64[at], from.values[at]);
}

/// z = W x + b for the units of `panels` panels, `first` being the first of them.
template <int panels, class T>
DELTARULE_INLINE void look_panels(const Samples<T>& from, int64_t row, const Layer& layer, const T* first,
                                  Vec<T> (&z)[panels]) {
    const int64_t step = layer.rows * lanes<T>;
    for (Vec<T>& sum : z) sum = splat<T>(T(0));
    each_entry(from, row, [&](int64_t column, T value) {
        const T* const weights = first + column * lanes<T>;
        for (int p = 0; p < panels; ++p) z[p] = multiply_add<T>(load(weights + p * step), value, z[p]);
    });
    for (int p = 0; layer.bias && p < panels; ++p) z[p] += load(first + p * step + layer.inputs * lanes<T>);
}

/// panel += δ xᵀ, the bias row left out.
template <class T>
DELTARULE_INLINE void add_sparse(const Samples<T>& from, int64_t row, Vec<T> delta, T* panel) {
    each_entry(from, row, [&](int64_t column, T value) {
        T* const at = panel + column * lanes<T>;
        store(at, multiply_add<T>(delta, value, load(at)));
    });
}

}  // namespace deltarule::DELTARULE_ISA
