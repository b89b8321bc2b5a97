#pragma once
#include "deltarule/kernels.hpp"
#include "deltarule/products.hpp"

/// One strip of a batch: what the functions of an operation work on, and those functions as a record.
namespace deltarule::DELTARULE_ISA {

/// Up to three vectors of samples. Rows that fill the last vector repeat the last row of the batch:
/// whatever they hold, a real row holds it too. Their deltas are zero.
template <class T>
struct Strip {
    const Batch<T>& batch;
    int64_t number;
    int64_t begin, count;  ///< the first of its rows in the batch, and how many
    int64_t vectors;       ///< of samples
    int64_t slot;          ///< where its blocks lie
    T* scratch;
    int64_t rows[strip<T>];

    Strip(const Batch<T>& of, int worker, int64_t which)
        : batch(of), number(which), begin(which * of.strip_rows) {
        count = of.count - begin < of.strip_rows ? of.count - begin : of.strip_rows;
        vectors = (count + lanes<T> - 1) / lanes<T>;
        for (int64_t i = 0; i < vectors * lanes<T>; ++i) {
            const int64_t at = begin + (i < count ? i : count - 1);
            rows[i] = of.order ? of.order[at] : of.first + at;
        }
        slot = of.set < 0 ? worker : of.set * (of.places / strip<T>)+number;
        scratch = of.scratch + (of.scratch_by_strip ? number : worker) * of.scratch_size;
    }

    const Layer& layer(const Operation& of) const { return batch.network->layers[of.layer]; }
    int64_t outputs() const { return batch.operations[batch.operation_count - 1].output; }
    /// [width + 1][strip]
    T* values(int64_t block) const {
        return batch.values[block] + slot * (batch.widths[block] + 1) * strip<T>;
    }
    /// What an operation keeps from the way there for the way back.
    T* kept(int64_t before) const { return scratch + before * strip<T>; }
    /// ∂f/∂values: two places that the blocks take in turn.
    T* delta(int64_t block) const { return scratch_end() - (1 + block % 2) * widest(); }
    T* target() const { return delta(outputs() + 1); }
    /// σ'(z^L)
    T* output_slope() const { return scratch_end() - 2 * widest() - batch.widths[outputs()] * strip<T>; }

private:
    T* scratch_end() const { return scratch + batch.scratch_size; }
    int64_t widest() const { return batch.widths[outputs() + 1] * strip<T>; }
};

/// A kind of operation, as functions.
template <class T>
struct OperationFunctions {
    void (*forward)(const Strip<T>& s, const Operation& self);
    void (*backward)(const Strip<T>& s, const Operation& self);
    /// Null where there are no parameters.
    void (*gradient)(const Batch<T>& batch, const Task& task, const Rectangle<T>& to);
};

template <class T>
void set_ones(T* row) {
    for (int i = 0; i < strip<T>; i += lanes<T>) store(row + i, splat<T>(T(1)));
}

/// The deltas of an operation's outputs for one of its panels, in the set of this batch.
template <class T>
T* delta_panel(const Batch<T>& batch, int64_t operation, int64_t panels, int64_t panel) {
    const int64_t set = batch.set < 0 ? 0 : batch.set;
    return batch.deltas[operation] + (set * panels + panel) * batch.places * lanes<T>;
}

}  // namespace deltarule::DELTARULE_ISA
