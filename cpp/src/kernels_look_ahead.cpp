// Per-sample steps by a rule that is linear in the gradient: SGD, momentum and Nesterov, with or without
// L2. The order of the rows is known, so the first layer need not wait for the update before it.
//
// a) For a block of eight samples the first layer is one product with the weights at the block's begin:
//    z_t = w_w W⁰x_t + w_v V⁰x_t + b + Σ_{s<t} (w_g[s] x_s·x_t + b_g[s]) δ_s.
//    The updates of the whole block follow at its end. This is SGD sample by sample, only rounded in
//    another order; weights travel twice per block instead of twice per sample, and all that a step
//    waits for of the step before is one multiply-add.
// b) The end of one block and the begin of the next are one sweep over the weights.
// c) The coefficients come from a recurrence in float64 on (W, V) as a whole; the bias row has its own,
//    for it bears no penalty.
// d) A block leaves out the inputs that are zero in all its rows. Where rows are mostly zeros and seldom
//    meet in a column, a block whose first row is so goes row by row instead, and each row touches only
//    what is not zero. Which of the two depends on a look at the rows when they come (meetings.hpp).
//    Without a velocity L2 is a factor of all weights that is multiplied in at the epoch's end, or when
//    it has gone far from one.
// e) Blocks begin at fixed places of the epoch and may stay open between two calls, so that it changes
//    no bit where a run is cut. `settle` brings the weights up to date for whoever wants to read them.

#include "blocks.hpp"
#include "kernels_isa.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// ------------------------------------------------------------------- steps of a dense block

/// z of sample t, from the products and the deltas before it.
template <class P, class T>
void combine(const SampleRun<T>& run, const First<T>& first, const Block<T>& block, int64_t t) {
    const int64_t width = first.width();
    const Linear &weights = block.weights, &biases = block.biases;
    Vec<T> factor[block_samples];
    for (int64_t s = 0; s < t; ++s) {
        const T overlap = block.overlaps[t * block_samples + s];
        const T bias = first.layer.bias ? T(biases.w_g[s]) : T(0);
        factor[s] = splat<T>(multiply_add_numbers(T(weights.w_g[s]), overlap, bias));
    }
    const T* const product = block.products + t * width;
    const T shrink = T(weights.w_w * run.ahead->factor);
    for (int64_t p = 0; p < first.layer.panels; ++p) {
        const int64_t at = p * lanes<T>, bias = first.at(p, first.layer.inputs);
        Vec<T> z = load(product + at);
        if constexpr (shrinks<P>) z = z * shrink;
        if constexpr (has_velocity<P>)
            z = multiply_add<T>(load(product + block_samples * width + at), T(weights.w_v), z);
        if (first.layer.bias) {
            z = z + load(first.weights + bias);
            if constexpr (has_velocity<P>) z = multiply_add<T>(load(first.velocity + bias), T(biases.w_v), z);
        }
        for (int64_t s = 0; s < t; ++s)
            z = multiply_add<T>(load(block.deltas + s * width + at), factor[s], z);
        store(run.trail.outputs[0] + at, z);
    }
}

// ------------------------------------------------------------------- steps that skip zeros

/// Where the row is not zero, and its values, as the callback takes them.
template <class T>
struct Entries {
    const int64_t* columns;
    const T* values;  ///< of the dense row
    int64_t count;
};

template <class T>
Entries<T> entries_of(const SampleRun<T>& run, int64_t row) {
    const int64_t inputs = run.network->layers[0].inputs;
    int64_t* const columns = run.ahead->columns;
    int64_t count = 0;
    if (!run.samples->dense) {
        T* const written = run.trail.input;
        each_entry(*run.samples, row, [&](int64_t column, T value) { written[column] = value; });
        each_entry(*run.samples, row, [&](int64_t column, T value) {
            if (value != T(0)) columns[count++] = column;
        });
        return {columns, written, count};
    }
    const T* const x = run.samples->dense + row * inputs;
    int64_t i = 0;
    for (; i + lanes<T> <= inputs; i += lanes<T>)
        for (unsigned found = lane_bits<T>(load(x + i) != splat<T>(T(0))); found; found &= found - 1)
            columns[count++] = i + __builtin_ctz(found);
    for (; i < inputs; ++i)
        if (x[i] != T(0)) columns[count++] = i;
    return {columns, x, count};
}

/// A row of CSR was written out: back to zeros.
template <class T>
void forget_entries(const SampleRun<T>& run, const Entries<T>& x) {
    for (int64_t e = 0; !run.samples->dense && e < x.count; ++e) run.trail.input[x.columns[e]] = T(0);
}

template <int panels, class T>
void look_entries(const First<T>& first, const Entries<T>& x, int64_t panel, T factor, T* z) {
    const int64_t stride = first.layer.rows * lanes<T>;
    const T* const base = first.weights + first.at(panel, 0);
    Vec<T> sum[panels];
    for (int p = 0; p < panels; ++p) sum[p] = splat<T>(T(0));
    for (int64_t e = 0; e < x.count; ++e) {
        const int64_t column = x.columns[e];
        const T* const row = base + column * lanes<T>;
        const Vec<T> input = splat<T>(x.values[column]);
        for (int p = 0; p < panels; ++p) sum[p] = multiply_add<T>(load(row + p * stride), input, sum[p]);
    }
    for (int p = 0; p < panels; ++p) {
        const Vec<T> bias =
            first.layer.bias ? load(base + first.layer.inputs * lanes<T> + p * stride) : splat<T>(T(0));
        store(z + (panel + p) * lanes<T>, multiply_add<T>(sum[p], factor, bias));
    }
}

template <int panels, class T>
void learn_entries(const First<T>& first, const Entries<T>& x, int64_t panel, T factor, const T* delta) {
    const int64_t stride = first.layer.rows * lanes<T>;
    T* const base = first.weights + first.at(panel, 0);
    Vec<T> step[panels];
    for (int p = 0; p < panels; ++p) step[p] = load(delta + (panel + p) * lanes<T>) * factor;
    for (int64_t e = 0; e < x.count; ++e) {
        const int64_t column = x.columns[e];
        T* const row = base + column * lanes<T>;
        const Vec<T> input = splat<T>(x.values[column]);
        for (int p = 0; p < panels; ++p)
            store(row + p * stride, multiply_add<T>(step[p], input, load(row + p * stride)));
    }
}

/// Calls `act.template operator()<P>()` for the policy of a linear rule chosen at run time.
template <class T, class Action>
DELTARULE_INLINE auto with_linear(const Update<T>& u, Action act) {
    constexpr Penalty none = Penalty::none, square = Penalty::square;
    const bool l2 = u.l2 != 0;
    switch (u.kind) {
        case Optimizer::momentum:
            return l2 ? act.template operator()<Policy<Optimizer::momentum, square>>()
                      : act.template operator()<Policy<Optimizer::momentum, none>>();
        case Optimizer::nesterov:
            return l2 ? act.template operator()<Policy<Optimizer::nesterov, square>>()
                      : act.template operator()<Policy<Optimizer::nesterov, none>>();
        default:
            return l2 ? act.template operator()<Policy<Optimizer::sgd, square>>()
                      : act.template operator()<Policy<Optimizer::sgd, none>>();
    }
}

/// Calls `act.template operator()<panels>(first panel)` for all panels, eight at a time.
template <class Action>
DELTARULE_INLINE void each_panels(int64_t panels, Action act) {
    int64_t p = 0;
    for (; p + 8 <= panels; p += 8) act.template operator()<8>(p);
    if (p + 4 <= panels) act.template operator()<4>(p), p += 4;
    if (p + 2 <= panels) act.template operator()<2>(p), p += 2;
    if (p < panels) act.template operator()<1>(p);
}

template <class P, class T>
void learn_sparse(SampleRun<T>& run, const First<T>& first, const Entries<T>& x, T rate) {
    const T* const delta = run.trail.deltas[0];
    if constexpr (shrinks<P>) shrink_weights(run, 1 - double(rate) * double(run.update.l2));
    const T step = T(-rate / run.ahead->factor);
    each_panels(first.layer.panels,
                [&]<int panels>(int64_t p) { learn_entries<panels, T>(first, x, p, step, delta); });
    for (int64_t p = 0; first.layer.bias && p < first.layer.panels; ++p) {
        T* const bias = first.weights + first.at(p, first.layer.inputs);
        store(bias, multiply_add<T>(load(delta + p * lanes<T>), -rate, load(bias)));
    }
}

// ------------------------------------------------------------------- the run

/// One step; returns w f.
template <class P, class T>
double step_ahead(SampleRun<T>& run, const First<T>& first, int64_t step) {
    Block<T>& block = block_of(run);
    const int64_t t = block.done, row = block.rows[t], width = first.width();
    Update<T> update = run.update;
    update.rate = T(run.rates[step]);
    Entries<T> x{};
    if (block.sparse) {
        x = entries_of(run, row);
        each_panels(first.layer.panels, [&]<int panels>(int64_t p) {
            look_entries<panels, T>(first, x, p, T(run.ahead->factor), run.trail.outputs[0]);
        });
    } else {
        combine<P>(run, first, block, t);
    }
    const double loss = forward_row<T>(run, row);
    if (std::isfinite(loss)) {
        backward_row<P, T>(run, update);
        if (block.sparse) learn_sparse<P>(run, first, x, update.rate);
        else std::memcpy(block.deltas + t * width, run.trail.deltas[0], size_t(width) * sizeof(T));
    }
    forget_entries(run, x);
    if (!std::isfinite(loss)) return loss;
    note_step<P>(block, t, update, run.rates[step]);
    ++block.done;
    return loss;
}

template <class P, class T>
int64_t linear_steps(SampleRun<T>& run) {
    const First<T> first = first_of(run);
    begin<P>(run);
    for (int64_t step = 0; step < run.steps;) {
        const double loss = step_ahead<P>(run, first, step);
        run.loss += loss;
        ++run.traced;
        ++step;
        if (!std::isfinite(loss)) return drop_rows(run), step;
        end_step<P>(run, step);
    }
    return run.steps;  // where that is within a block, it stays open
}

}  // namespace

template <class T>
void settle(SampleRun<T>& run) {
    FlushDenormals guard;
    with_linear<T>(run.update, [&]<class P>() { turn<P, T>(run, run.steps); });
    settle_factor(run);
}

template <class T>
int64_t look_ahead(SampleRun<T>& run) {
    return with_linear<T>(run.update, [&]<class P>() { return linear_steps<P, T>(run); });
}

template void settle<float>(SampleRun<float>& run);
template void settle<double>(SampleRun<double>& run);
template int64_t look_ahead<float>(SampleRun<float>& run);
template int64_t look_ahead<double>(SampleRun<double>& run);

}  // namespace deltarule::DELTARULE_ISA
