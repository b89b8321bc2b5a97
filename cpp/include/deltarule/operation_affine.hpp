#pragma once
#include <cstring>

#include "deltarule/used_columns.hpp"

/// Equations (2) and (7), and the first factor of (6). The first operation reads the rows themselves
/// where they are CSR, and nobody asks for the delta of its inputs.
namespace deltarule::DELTARULE_ISA {

/// z of `panels` panels from panel `first` on, for one vector of CSR rows.
template <int panels, class T>
void look_rows(const Strip<T>& s, const Layer& layer, const T* weights, int64_t first, int64_t v,
               bool rectify, T* z) {
    Vec<T> squares[panels][lanes<T>];
    for (int i = 0; i < lanes<T>; ++i) {
        Vec<T> sums[panels];
        look_panels<panels>(*s.batch.samples, s.rows[v * lanes<T> + i], layer,
                            weights + first * layer.rows * lanes<T>, sums);
        for (int p = 0; p < panels; ++p) squares[p][i] = sums[p];
    }
    for (int p = 0; p < panels; ++p) {
        transpose<T>(squares[p]);
        for (int i = 0; i < lanes<T> && (first + p) * lanes<T> + i < layer.units; ++i)
            store(z + ((first + p) * lanes<T> + i) * strip<T> + v * lanes<T>,
                  rectify ? at_least<T>(squares[p][i], T(0)) : squares[p][i]);
    }
}

template <class T>
void forward_sparse(const Strip<T>& s, const Layer& layer, const T* weights, bool rectify, T* z) {
    for (int64_t v = 0; v < s.vectors; ++v) {
        int64_t p = 0;
        for (; p + 4 <= layer.panels; p += 4) look_rows<4, T>(s, layer, weights, p, v, rectify, z);
        for (; p < layer.panels; ++p) look_rows<1, T>(s, layer, weights, p, v, rectify, z);
    }
}

template <class T>
void affine_forward(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    const T* const weights = s.batch.store.weights + layer.offset;
    T* const z = s.values(self.output);
    int32_t* const list = self.listed ? list_of(s.batch, s.slot) : nullptr;
    if (list) forward_listed(s, layer, weights, s.values(self.input), list, self.rectify, z);
    else if (self.input == 0 && reads_entries(s.batch)) forward_sparse(s, layer, weights, self.rectify, z);
    else forward_product<T>(layer, weights, s.values(self.input), self.rectify, z, s.vectors);
    set_ones(z + layer.units * strip<T>);
}

/// δ from [unit][strip] to [panel][sample][lanes], padding zero.
template <class T>
void write_deltas(const Strip<T>& s, const Layer& layer, int64_t operation, const T* delta) {
    for (int64_t p = 0; p < layer.panels; ++p) {
        T* const to = delta_panel(s.batch, operation, layer.panels, p) + s.begin * lanes<T>;
        for (int64_t v = 0; v < s.vectors; ++v) {
            Vec<T> square[lanes<T>];
            for (int i = 0; i < lanes<T>; ++i) {
                const int64_t unit = p * lanes<T> + i;
                square[i] =
                    unit < layer.units ? load(delta + unit * strip<T> + v * lanes<T>) : splat<T>(T(0));
            }
            transpose<T>(square);
            for (int i = 0; i < lanes<T>; ++i) store(to + (v * lanes<T> + i) * lanes<T>, square[i]);
        }
    }
}

template <class T>
void affine_backward(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    const T* const delta = s.delta(self.output);
    write_deltas(s, layer, &self - s.batch.operations, delta);
    if (self.input == 0) return;
    const T* const kept = self.gate == Gate::kept ? s.kept((&self - 1)->kept) : nullptr;
    const T* const positive = self.gate == Gate::positive ? s.values(self.input) : nullptr;
    Wanted wanted{self.wanted};
    if (int32_t* const list = self.listed ? list_of(s.batch, s.slot) : nullptr) {
        wanted.list = columns_of(list, layer.inputs);
        wanted.count = *list - 1;
    }
    data_product<T>(layer, s.batch.store.weights + layer.offset, delta, kept, positive, s.delta(self.input),
                    s.vectors, wanted);
}

/// All rows of some panels for rows of CSR; each stored entry is looked at once per panel.
template <class T>
void gradient_sparse(const Batch<T>& batch, const Layer& layer, const Task& task, const Rectangle<T>& to) {
    for (int64_t p = 0; p < task.panels; ++p) {
        T* const panel = to.at + p * to.panel_step;
        if (!batch.add) std::memset(panel, 0, size_t(layer.rows * lanes<T>) * sizeof(T));
        const T* delta = delta_panel(batch, task.operation, layer.panels, task.panel + p);
        T* const bias_row = panel + layer.inputs * lanes<T>;
        Vec<T> bias = layer.bias ? load(bias_row) : splat<T>(T(0));
        for (int64_t k = 0; k < batch.count; ++k, delta += lanes<T>) {
            const Vec<T> d = load(delta);
            add_sparse(*batch.samples, batch.order ? batch.order[k] : batch.first + k, d, panel);
            bias += d;
        }
        if (layer.bias) store(bias_row, bias);
    }
}

template <class T>
void affine_gradient(const Batch<T>& batch, const Task& task, const Rectangle<T>& to) {
    const Operation& self = batch.operations[task.operation];
    const Layer& layer = batch.network->layers[self.layer];
    if (self.input == 0 && reads_entries(batch)) return gradient_sparse(batch, layer, task, to);
    const int64_t strips = (batch.count + batch.strip_rows - 1) / batch.strip_rows;
    const Places places{strips, batch.strip_rows, batch.count - (strips - 1) * batch.strip_rows};
    const int64_t a_strip = (layer.inputs + 1) * strip<T>, slot = batch.set * (batch.places / strip<T>);
    const T* const delta = delta_panel(batch, task.operation, layer.panels, task.panel);
    const int64_t delta_step = batch.places * lanes<T>;
    if (self.listed && any_listed(batch, slot, strips))
        return gradient_listed(batch, task, delta, delta_step, places, slot, to);
    weight_product<T>(batch.values[self.input] + slot * a_strip + task.row * strip<T>, a_strip, delta,
                      delta_step, places, to, batch.add);
}

template <class T>
constexpr OperationFunctions<T> affine_functions = {&affine_forward<T>, &affine_backward<T>,
                                                    &affine_gradient<T>};

}  // namespace deltarule::DELTARULE_ISA
