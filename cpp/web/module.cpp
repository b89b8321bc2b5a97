// The core as a WebAssembly module: a thin face of `Session<double>` for web/src/wasm/core.ts.
//
// a) Numbers and arrays only. Names become numbers, and input is validated, in TypeScript; nothing here
//    refuses anything.
// b) Arrays belong to the caller: `allocate` and `release` are malloc and free. Rows that are bound are
//    referred to until others are bound or the session is closed.
// c) Counts that may pass 2^31 travel as float64, which holds whole numbers up to 2^53; keys and words
//    as int64.

#include <cstdlib>
#include <optional>
#include <vector>

#include "deltarule/session.hpp"

#define DELTARULE_EXPORT(name) __attribute__((export_name(#name)))

namespace deltarule::web {

struct Core {
    Session<double> session;
    std::vector<double> losses = {};
    RunReport report{0, 0, true};
    EpochPlan plan = {};
    int64_t epochs = 0;                ///< that ended in the last slice
    std::vector<double> factors = {};  ///< of the last slice, which going back needs once more
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

/// Rows that epochs are judged by; none where there are no rows. Their arrays are referred to.
DELTARULE_EXPORT(judge) void judge(Core* core, const double* X, const double* D, int rows) {
    std::optional<Validation<double>> judged;
    if (rows)
        judged.emplace(Validation<double>{.samples = samples_of(X, D, nullptr, rows), .n = double(rows)});
    core->session.loop().judge(judged);
    core->session.loop().forget();
}

/// What `run_epochs` does from call to call: `plan` has batch size, strengths of the penalty, what the
/// clock is ahead of the order, and of the stop rules step size, least improvement, patience (below 0:
/// none), whether a plateau divides the step size, divisor and smallest step size.
DELTARULE_EXPORT(plan_epochs)
void plan_epochs(Core* core, int order, uint64_t key, const double* plan) {
    const auto rows = double(core->session.bound().rows);
    EpochPlan& to = core->plan;
    to = EpochPlan{};
    to.work.order.kind = OrderKind(order);
    to.work.order.key = key;
    to.work.batch_size = int64_t(plan[0]);
    to.n = rows;
    to.l1 = plan[1];
    to.l2 = plan[2];
    to.work.l1 = plan[1] / rows;
    to.work.l2 = plan[2] / rows;
    to.work.clock = int64_t(plan[3]);
    to.rules.rate = plan[4];
    to.rules.least = plan[5];
    to.rules.patience = int64_t(plan[6]);
    to.rules.adaptive = plan[7] != 0;
    to.rules.divisor = plan[8];
    to.rules.smallest = plan[9];
    to.slice = 1e9;  // no clock here: a slice ends by its steps
    core->session.loop().forget();
}

/// One slice. `place` has epoch, step of it, Σ f of its steps, factor of the adaptive step size, best loss,
/// epochs without improvement; all of them go on there. Returns a `Verdict`.
DELTARULE_EXPORT(run_epochs)
int run_epochs(Core* core, double* place, int steps, int epochs, const double* factors) {
    EpochPlan& plan = core->plan;
    plan.epoch = int64_t(place[0]);
    plan.step = int64_t(place[1]);
    plan.carried = place[2];
    plan.standing = {place[3], place[4], 0, int64_t(place[5])};
    plan.steps = steps;
    plan.epochs = epochs;
    if (factors) core->factors.assign(factors, factors + steps);
    plan.factors = factors ? core->factors.data() : nullptr;
    const EpochReport done = core->session.run_epochs(plan);
    core->epochs = done.epochs;
    place[0] += double(done.epochs);
    place[1] = double(done.step);
    place[2] = done.carried;
    place[3] = done.standing.rate_factor;
    place[4] = done.standing.best_loss;
    place[5] = double(done.standing.stalled);
    return int(done.verdict);
}

/// To the end of the last whole epoch, after a slice that ended in numbers that are not finite.
DELTARULE_EXPORT(go_back) void go_back(Core* core) { core->session.loop().go_back(); }

// Of the epochs that ended in the last slice: how many, their losses, the losses of the rows that judge.
DELTARULE_EXPORT(ended_epochs) int ended_epochs(Core* core) { return int(core->epochs); }
DELTARULE_EXPORT(epoch_losses) const double* epoch_losses(Core* core) {
    return core->session.loop().numbers().loss.data();
}
DELTARULE_EXPORT(judged_losses) const double* judged_losses(Core* core) {
    return core->session.loop().numbers().validation_loss.data();
}

DELTARULE_EXPORT(predict) void predict(Core* core, const double* X, int rows, double* predictions) {
    core->session.predict(samples_of(X, nullptr, nullptr, rows), predictions);
}

/// Σ w f; also its gradient unless `gradient` is null.
DELTARULE_EXPORT(loss)
double loss(Core* core, const double* X, const double* D, const double* weight, int rows, double* gradient) {
    return core->session.loss(samples_of(X, D, weight, rows), gradient);
}

/// f of each row.
DELTARULE_EXPORT(losses_of_rows)
void losses_of_rows(Core* core, const double* X, const double* D, int rows, double* losses) {
    const auto& layers = core->session.layers();
    for (int64_t row = 0; row < rows; ++row)
        losses[row] = core->session.loss(
            samples_of(X + row * layers.front().inputs, D + row * layers.back().units, nullptr, 1));
}

DELTARULE_EXPORT(words)
void words_from(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t start, int count, uint64_t* out) {
    words(key, stream, epoch, start, count, out);
}

DELTARULE_EXPORT(order) void order_of(int kind, uint64_t key, uint64_t epoch, int rows, int64_t* out) {
    order(OrderKind(kind), key, epoch, rows, 0, rows, out);
}

}  // namespace deltarule::web
