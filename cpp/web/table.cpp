// The kernels of the browser's core: one instruction set, float64, and only what its facade asks for.
// Stands in for isa.cpp, which chooses between instruction sets, and for kernels_table.cpp.

#include <cmath>

#include "../src/kernels_isa.hpp"
#include "../src/one_row.hpp"
#include "deltarule/products.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

/// One policy for every penalty: strengths of zero add nothing, and code is what a page waits for.
template <Optimizer kind>
using Plain = Policy<kind, Penalty::both>;

/// Equation (6) down to layer 0.
void send_back(SampleRun<double>& run, const Update<double>& update) {
    for (int64_t l = run.network->depth - 1; l > 0; --l) {
        const Weights<double> from = weights_of(run, update, l);
        const Layer& lower = run.network->layers[l - 1];
        const double* const delta = run.trail.deltas[l];
        double* const below = run.trail.deltas[l - 1];
        for (int64_t i = 0; i < lower.units; ++i) {
            Vec<double> sum = splat<double>(0);
            for (int64_t p = 0; p < from.layer.panels; ++p)
                sum = multiply_add<double>(load(from.store.weights + from.at(p, i)),
                                           load(delta + p * lanes<double>), sum);
            below[i] = sum_across<double>(sum)[0];
        }
        hidden_delta<double>(lower, Units<double, true>{lower.units, lanes<double>}, run.trail.outputs[l - 1],
                             run.trail.slopes[l - 1], below);
        if (run.trace) record(run, run.trace->deltas, l - 1, below);
    }
}

/// Equation (7) and the update, layer by layer.
template <Optimizer kind>
void learn(SampleRun<double>& run, const Update<double>& update, const double* x) {
    for (int64_t l = 0; l < run.network->depth; ++l) {
        const Weights<double> to = weights_of(run, update, l);
        update_first<Plain<kind>, double>(to, l ? run.trail.outputs[l - 1] : x, run.trail.deltas[l]);
        update_bias<Plain<kind>, double>(to, run.trail.deltas[l]);
    }
}

/// Single rows as the notes have them: forward, all deltas, then all updates. A step whose loss is not
/// finite ends the run in front of its updates.
template <Optimizer kind>
int64_t steps_of(SampleRun<double>& run) {
    Update<double> update = run.update;
    const Layer& first = run.network->layers[0];
    const double* const weights = run.store.weights + first.offset;
    for (int64_t step = 0; step < run.steps; ++step) {
        const double* const x = run.samples->dense + run.order[step] * first.inputs;
        forward_layer<double>(first, weights, x, run.trail.outputs[0], Look<double>{first, weights});
        const double loss = forward_row<double>(run, run.order[step]);
        run.loss += loss;
        update.rate = run.rates[step];
        update.decay = run.decays[step];
        send_back(run, update);
        ++run.traced;
        if (!std::isfinite(loss)) return step + 1;
        learn<kind>(run, update, x);
    }
    return run.steps;
}

int64_t single_rows(SampleRun<double>& run) {
    return with_optimizer(run.update.kind, [&]<Optimizer kind>() { return steps_of<kind>(run); });
}

Road one_road(const Network&, const Update<double>&) { return Road::one_pass; }
void nothing_open(SampleRun<double>&) {}

constexpr Kernels<double> table = {
    .lanes = lanes<double>,
    .strip = int(strip<double>),
    .rectangle_rows = int(rectangle_rows),
    .rectangle_size = int(rectangle_rows) * tile_vectors * lanes<double>,
    .strip_vectors = &strip_vectors,
    .cut_weights = &cut_weights,
    .samples = &single_rows,
    .road = &one_road,
    .settle = &nothing_open,
    .strip_pass = &strip_pass<double>,
    .weight_pass = &weight_pass<double>,
    .part_pass = &part_pass<double>,
    .sum_pass = &sum_pass<double>,
    .step = &step_pass<double>,
};

}  // namespace
}  // namespace deltarule::DELTARULE_ISA

namespace deltarule {

template <>
const Kernels<double>& kernels<double>() {
    return DELTARULE_ISA::table;
}

}  // namespace deltarule
