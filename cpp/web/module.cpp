// The core as a WebAssembly module: a thin face of `Session<double>` for web/src/wasm/core.ts.
//
// a) Numbers and arrays only. Names become numbers, and input is validated, in TypeScript; nothing here
//    refuses anything.
// b) Arrays belong to the caller: `allocate` and `release` are malloc and free. Rows that are bound are
//    referred to until others are bound or the session is closed.
// c) Counts that may pass 2^31 travel as float64, which holds whole numbers up to 2^53; keys and words
//    as int64.

#include <cstdlib>
#include <vector>

#include "deltarule/session.hpp"

#define DELTARULE_EXPORT(name) __attribute__((export_name(#name)))

namespace deltarule::web {

struct Core {
    Session<double> session;
    std::vector<double> losses = {};
    RunReport report{0, 0, true};
};

namespace {

/// Places for z, a and δ of every layer, one behind the other in `numbers`.
struct Traced {
    std::vector<double*> places[3];

    Traced(const std::vector<Layer>& layers, int64_t steps, double* numbers) {
        for (auto& kind : places)
            for (const Layer& layer : layers) {
                kind.push_back(numbers);
                numbers += steps * layer.units;
            }
    }
    Trace<double> trace() { return {places[0].data(), places[1].data(), places[2].data()}; }
};

Samples<double> samples_of(const double* X, const double* D, const double* weight, int rows) {
    Samples<double> samples;
    samples.dense = X;
    samples.target = D;
    samples.weight = weight;
    samples.rows = rows;
    return samples;
}

}  // namespace

DELTARULE_EXPORT(allocate) void* allocate(size_t bytes) { return std::malloc(bytes); }
DELTARULE_EXPORT(release) void release(void* memory) { std::free(memory); }

/// `layers` has five numbers for each: inputs, units, activation and its parameter, whether it has a bias.
DELTARULE_EXPORT(open) Core* open(const double* layers, int depth, int loss, double loss_parameter) {
    std::vector<Layer> list;
    for (const double* at = layers; at < layers + 5 * depth; at += 5)
        list.push_back({int64_t(at[0]), int64_t(at[1]), Activation(int(at[2])), at[3], at[4] != 0, 0, 0, 0});
    return new Core{Session<double>(std::move(list), Loss(loss), loss_parameter, 1)};
}

DELTARULE_EXPORT(close) void close(Core* core) { delete core; }

DELTARULE_EXPORT(set_parameters) void set_parameters(Core* core, const double* vector) {
    core->session.set_parameters(vector);
}
DELTARULE_EXPORT(parameters) void parameters(Core* core, double* vector) { core->session.parameters(vector); }

/// Settings as `OptimizerSettings` names them; the moments become zeros.
DELTARULE_EXPORT(set_optimizer)
void set_optimizer(Core* core, int kind, double first, double second, double epsilon, double weight_decay) {
    core->session.set_optimizer({Optimizer(kind), first, second, epsilon, weight_decay});
    core->session.set_moments(nullptr);
}
DELTARULE_EXPORT(moment_count) int moment_count_of(Core* core) {
    return moment_count(core->session.optimizer());
}
DELTARULE_EXPORT(set_moments) void set_moments(Core* core, const double* moments) {
    core->session.set_moments(moments);
}
DELTARULE_EXPORT(moments) void moments(Core* core, double* moments) { core->session.moments(moments); }

DELTARULE_EXPORT(bind)
void bind(Core* core, const double* X, const double* D, const double* weight, int rows) {
    core->session.bind(samples_of(X, D, weight, rows));
}

/// Returns the steps done. With `traced` they are of one row each, and what they met is written there:
/// z of each layer, (steps, units), then a, then δ.
DELTARULE_EXPORT(run)
int run(Core* core, int order, uint64_t key, double first_step, int steps, int batch_size,
        const double* rates, double l1, double l2, double scale, double clock, double carried,
        double* traced) {
    RunPlan plan;
    plan.order.kind = OrderKind(order);
    plan.order.key = key;
    plan.batch_size = batch_size;
    plan.l1 = l1;
    plan.l2 = l2;
    plan.scale = scale;
    plan.clock = int64_t(clock);
    plan.first_step = int64_t(first_step);
    plan.steps = steps;
    plan.rates = rates;
    plan.carried = carried;
    core->losses.resize(size_t(core->session.epochs_touched(plan)));
    plan.losses = core->losses.data();
    if (traced) {
        Traced to(core->session.layers(), steps, traced);
        core->report = core->session.trace(plan, to.trace());
    } else {
        core->report = core->session.run(plan);
    }
    return int(core->report.steps);
}

// Of the last run: epochs touched, Σ w f of each, whether all losses were finite.
DELTARULE_EXPORT(epochs) int epochs(Core* core) { return int(core->report.epochs); }
DELTARULE_EXPORT(losses) const double* losses(Core* core) { return core->losses.data(); }
DELTARULE_EXPORT(finite) int finite(Core* core) { return core->report.finite; }

DELTARULE_EXPORT(predict) void predict(Core* core, const double* X, int rows, double* predictions) {
    core->session.predict(samples_of(X, nullptr, nullptr, rows), predictions);
}

/// Σ w f; also its gradient unless `gradient` is null.
DELTARULE_EXPORT(loss)
double loss(Core* core, const double* X, const double* D, const double* weight, int rows, double* gradient) {
    return core->session.loss(samples_of(X, D, weight, rows), gradient);
}

DELTARULE_EXPORT(words)
void words_from(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t start, int count, uint64_t* out) {
    words(key, stream, epoch, start, count, out);
}

DELTARULE_EXPORT(order) void order_of(int kind, uint64_t key, uint64_t epoch, int rows, int64_t* out) {
    order(OrderKind(kind), key, epoch, rows, 0, rows, out);
}

}  // namespace deltarule::web
