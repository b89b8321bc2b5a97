#pragma once
#include "look_ahead.hpp"
#include "one_row.hpp"

/// Blocks of the look-ahead: how one is opened, what its coefficients are, how it is closed.
namespace deltarule::DELTARULE_ISA {

/// Rows with fewer non-zero inputs skip the zeros; narrow ones are not worth the search.
constexpr double sparse_density = 0.35;
constexpr int64_t sparse_inputs = 32;
/// A factor of the weights beyond this, or below its inverse, is multiplied in.
constexpr double largest_factor = 4;
/// A block with fewer inputs that are not zero has them listed.
constexpr double listed_density = 0.8;
template <class P>
constexpr bool has_velocity = P::kind != Optimizer::sgd;
template <class P>
constexpr bool shrinks = P::penalty != Penalty::none;

// ------------------------------------------------------------------- the coefficients

/// The begin of a block; coefficients of gradients come with the gradients.
inline void restart(Linear& l) {
    l.w_w = l.v_v = 1;
    l.w_v = l.v_w = 0;
}

/// One step of the rule: (W, V) ← M (W, V) + n G.
template <Optimizer kind>
void advance_linear(Linear& l, int64_t t, double rate, double momentum, double l2) {
    // V' = μ V - α (G + l2 W); momentum: W' = W + V'; nesterov: W' = W + μ V' - α (G + l2 W)
    const double pull = rate * l2;
    double a = 1 - pull, b = 0, n = -rate;
    if constexpr (kind == Optimizer::momentum) b = momentum;
    if constexpr (kind == Optimizer::nesterov) {
        a = 1 - pull * (1 + momentum);
        b = momentum * momentum;
        n = -rate * (1 + momentum);
    }
    for (int64_t s = 0; s < t; ++s) {
        const double w = l.w_g[s], v = l.v_g[s];
        l.w_g[s] = a * w + b * v;
        l.v_g[s] = momentum * v - pull * w;
    }
    l.w_g[t] = n;
    l.v_g[t] = -rate;
    const Linear old = l;
    l.w_w = a * old.w_w + b * old.v_w;
    l.w_v = a * old.w_v + b * old.v_v;
    l.v_w = momentum * old.v_w - pull * old.w_w;
    l.v_v = momentum * old.v_v - pull * old.w_v;
}

/// After sample t with step size `rate`.
template <class P, class T>
void note_step(Block<T>& block, int64_t t, const Update<T>& update, double rate) {
    if constexpr (!has_velocity<P> && !shrinks<P>) {
        block.weights.w_g[t] = block.biases.w_g[t] = -rate;
    } else {
        advance_linear<P::kind>(block.weights, t, rate, update.first, update.l2);
        advance_linear<P::kind>(block.biases, t, rate, update.first, 0);
    }
}

// ------------------------------------------------------------------- opening and closing

/// Dense rows side by side.
template <class T>
void pack_dense(const Block<T>& block, const T* const* rows, int64_t inputs) {
    constexpr int n = lanes<T>;
    constexpr int side = n < block_samples ? n : int(block_samples);  // samples of one square
    int64_t i = 0;
    for (; i + n <= inputs; i += n)
        for (int64_t s = 0; s < block_samples; s += side) {
            Vec<T> square[n];
            for (int r = 0; r < n; ++r)
                square[r] = r < side && s + r < block.size ? load(rows[s + r] + i) : splat<T>(T(0));
            transpose<T>(square);
            // Ascending, so that what a vector wider than a block writes too much is overwritten.
            for (int r = 0; r < n; ++r) store(block.inputs + (i + r) * block_samples + s, square[r]);
        }
    for (; i < inputs; ++i)
        for (int64_t s = 0; s < block_samples; ++s)
            block.inputs[i * block_samples + s] = s < block.size ? rows[s][i] : T(0);
}

template <class T>
void pack_inputs(const SampleRun<T>& run, Block<T>& block) {
    const int64_t inputs = run.network->layers[0].inputs;
    if (run.samples->dense) {
        const T* rows[block_samples] = {};
        for (int64_t s = 0; s < block.size; ++s) rows[s] = run.samples->dense + block.rows[s] * inputs;
        return pack_dense<T>(block, rows, inputs);
    }
    std::memset(block.inputs, 0, size_t(inputs * block_samples) * sizeof(T));
    for (int64_t s = 0; s < block.size; ++s)
        each_entry(*run.samples, block.rows[s],
                   [&](int64_t column, T value) { block.inputs[column * block_samples + s] += value; });
}

/// Lists the inputs that a block has to meet, where leaving out the others is worth the list.
template <class T>
void list_used(Block<T>& block, int64_t inputs) {
    constexpr int vectors = block_samples > lanes<T> ? int(block_samples) / lanes<T> : 1;
    constexpr unsigned samples = (1u << (block_samples / vectors)) - 1;  // a vector may reach beyond them
    if (inputs < sparse_inputs) return;
    const Vec<T> zero = splat<T>(T(0));
    const T* x = block.inputs;
    int64_t count = 0;
    for (int64_t i = 0; i < inputs; ++i, x += block_samples) {
        Mask<T> found = load(x) != zero;
        for (int v = 1; v < vectors; ++v) found |= load(x + v * lanes<T>) != zero;
        block.used[count] = int32_t(i);
        count += (lane_bits<T>(found) & samples) != 0;
    }
    block.used_count = count;
    block.listed = double(count) < listed_density * double(inputs);
}

/// Entries of a row that are not zero.
template <class T>
int64_t count_entries(const SampleRun<T>& run, int64_t row) {
    const int64_t inputs = run.network->layers[0].inputs;
    int64_t count = 0;
    if (!run.samples->dense) {
        each_entry(*run.samples, row, [&](int64_t, T value) { count += value != T(0); });
        return count;
    }
    const T* const x = run.samples->dense + row * inputs;
    Mask<T> found{};
    int64_t i = 0;
    for (; i + lanes<T> <= inputs; i += lanes<T>) found -= load(x + i) != splat<T>(T(0));
    for (int lane = 0; lane < lanes<T>; ++lane) count += int64_t(found[lane]);
    for (; i < inputs; ++i) count += x[i] != T(0);
    return count;
}

/// Takes up the rows of the block that this run has, from step `step` on.
template <class T>
void take_rows(SampleRun<T>& run, Block<T>& block, int64_t step) {
    const int64_t from = block.size, place = run.position + step;
    int64_t more = block_samples - place % block_samples;
    more = more < run.steps - step ? more : run.steps - step;
    for (int64_t i = 0; i < more; ++i) block.rows[block.size++] = run.order[step + i];
    if (block.sparse) return;
    pack_inputs(run, block);
    block.listed = false;
    if (run.lists) list_used(block, run.network->layers[0].inputs);
    if (block.size < 2) return;
    if (block.listed) overlap<true>(block, {block.used, 0, block.used_count}, from);
    else overlap<false>(block, {nullptr, 0, run.network->layers[0].inputs}, from);
}

/// A run that begins between the places of blocks has a shorter one first.
template <class P, class T>
void open_block(SampleRun<T>& run, Block<T>& block, int64_t step) {
    const int64_t inputs = run.network->layers[0].inputs;
    block.size = block.done = 0;
    restart(block.weights);
    restart(block.biases);
    block.sparse = !has_velocity<P> && !run.in_blocks && inputs >= sparse_inputs &&
                   double(count_entries(run, run.order[step])) < sparse_density * double(inputs);
    take_rows(run, block, step);
}

/// Multiplies the factor of the first layer's weights in.
template <class T>
void settle_factor(SampleRun<T>& run) {
    double& factor = run.ahead->factor;
    if (factor == 1) return;
    const First<T> first = first_of(run);
    for (int64_t p = 0; p < first.layer.panels; ++p)
        for (int64_t i = 0; i < first.layer.inputs; ++i) {
            T* const w = first.weights + first.at(p, i);
            store(w, load(w) * T(factor));
        }
    factor = 1;
}

/// Multiplies the first layer's weights by a number, sooner or later.
template <class T>
void shrink_weights(SampleRun<T>& run, double by) {
    double& factor = run.ahead->factor;
    factor *= by;
    if (!(factor >= 1 / largest_factor && factor <= largest_factor)) settle_factor(run);
}

/// The block at work.
template <class T>
DELTARULE_INLINE Block<T>& block_of(const SampleRun<T>& run) {
    return run.ahead->blocks[run.ahead->now];
}

/// Closes the open block, if there is one, and opens the other at `step`, if that is not beyond the run.
template <class P, class T>
void turn(SampleRun<T>& run, int64_t step) {
    Ahead<T>& ahead = *run.ahead;
    const Block<T>* const closing = ahead.open && !block_of(run).sparse ? &block_of(run) : nullptr;
    Block<T>& next = ahead.blocks[1 - ahead.now];
    const Block<T>* opening = nullptr;
    const bool more = step < run.steps;
    if (more) {
        open_block<P>(run, next, step);
        if (!next.sparse) opening = &next;
    }
    if constexpr (shrinks<P> && !has_velocity<P>)
        if (closing) shrink_weights(run, closing->weights.w_w);
    if (closing || opening)
        advance<has_velocity<P>, T>(first_of(run), closing, ahead.factor, ahead.scaled, opening);
    ahead.now = 1 - ahead.now;
    ahead.open = more;
}

/// Opens the first block of a run, or takes up more rows of the one that an earlier run left open.
template <class P, class T>
void begin(SampleRun<T>& run) {
    Ahead<T>& ahead = *run.ahead;
    if (!ahead.open) return turn<P>(run, 0);
    Block<T>& block = block_of(run);
    take_rows(run, block, 0);
    if (!block.sparse)
        advance<has_velocity<P>, T>(first_of(run), nullptr, ahead.factor, ahead.scaled, &block);
}

/// Leaves the block with the samples that are done: a row that made a loss non-finite must not meet the
/// weights, not even times zero.
template <class T>
void drop_rows(SampleRun<T>& run) {
    Block<T>& block = block_of(run);
    const int64_t inputs = run.network->layers[0].inputs;
    block.size = block.done;
    for (int64_t i = 0; !block.sparse && i < inputs; ++i)
        for (int64_t s = block.done; s < block_samples; ++s) block.inputs[i * block_samples + s] = T(0);
}

/// After `step` steps of a run: on to the next block where this one is full or the epoch ends.
template <class P, class T>
DELTARULE_INLINE void end_step(SampleRun<T>& run, int64_t step) {
    const int64_t place = run.position + step;
    if (place == run.positions || place % block_samples == 0) turn<P>(run, step);
    if (place == run.positions) settle_factor(run);
}

}  // namespace deltarule::DELTARULE_ISA
