// Per-sample SGD, with or without L2, on a network of one narrow hidden layer and a few outputs: the
// notes' own algorithm on the notes' own networks.
//
// a) The second layer stays in registers for the whole run, turned around: a row of weights for every
//    output, the hidden units in the lanes, so that the way back is vertical and the way forward one sum
//    across the lanes.
// b) A first layer of few weights is one step behind: z of the next row comes from the weights before the
//    last update and one multiply-add with its δ. A larger one looks ahead in blocks (blocks.hpp). Either
//    way a step waits for the one before in a multiply-add only; what it waits for inside itself is the
//    way through both layers and back.
// c) Lanes without a hidden unit have the output zero and so keep weights of zero.

#include "blocks.hpp"
#include "kernels_isa.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

/// Vectors of first-layer weights that are updated at every step: more go through blocks.
constexpr int64_t most_direct = 40;

/// The network in registers: `panels` vectors of hidden units, `outputs` outputs or fewer.
template <int panels, int outputs, class T>
struct Registers {
    Vec<T> weights[outputs][panels];
    Vec<T> bias;  ///< of the outputs, in their lanes; of a single one in every lane

    void read(const Layer& layer, const T* store_of) {
        T row[panels * lanes<T>];
        for (int k = 0; k < outputs; ++k) {
            for (int64_t i = 0; i < panels * lanes<T>; ++i)
                row[i] = i < layer.inputs ? store_of[i * lanes<T> + k] : T(0);
            for (int p = 0; p < panels; ++p) weights[k][p] = load(row + p * lanes<T>);
        }
        bias = layer.bias ? load(store_of + layer.inputs * lanes<T>) : splat<T>(T(0));
        if (outputs == 1) bias = splat<T>(bias[0]);
    }
    void write(const Layer& layer, T* store_of) const {
        T row[panels * lanes<T>];
        for (int k = 0; k < outputs && k < layer.units; ++k) {
            for (int p = 0; p < panels; ++p) store(row + p * lanes<T>, weights[k][p]);
            for (int64_t i = 0; i < layer.inputs; ++i) store_of[i * lanes<T> + k] = row[i];
        }
        if (!layer.bias) return;
        store(store_of + layer.inputs * lanes<T>, first_lanes<T>(layer.units) ? bias : splat<T>(T(0)));
    }
};

/// What a run needs to know at every step, out of the reach of stores that may alias.
template <class T>
struct Facts {
    First<T> first;
    Layer last;
    Mask<T> hidden;  ///< of the last panel: lanes with a unit
    Mask<T> output;  ///< lanes with an output
    Loss loss;
    T parameter, l2;
};

/// Value and slope of the hidden units.
template <int panels, class T>
DELTARULE_INLINE void activate_registers(const SampleRun<T>& run, const Facts<T>& facts, Vec<T> (&a)[panels],
                                         Vec<T> (&slope)[panels]) {
    const T parameter = T(facts.first.layer.parameter);
    auto each = [&]<Activation kind>() __attribute__((always_inline)) {
        for (int p = 0; p < panels; ++p) {
            const Activated<T> found = activated<kind, T>(a[p], parameter, false);
            a[p] = found.value;
            slope[p] = found.slope;
        }
    };
    switch (facts.first.layer.activation) {
        case Activation::logistic: each.template operator()<Activation::logistic>(); break;
        case Activation::tanh: each.template operator()<Activation::tanh>(); break;
        case Activation::relu: each.template operator()<Activation::relu>(); break;
        default: {
            T* const z = run.trail.outputs[0];
            T* const slopes = run.trail.slopes[0];
            for (int p = 0; p < panels; ++p) store(z + p * lanes<T>, a[p]);
            activate<T>(facts.first.layer.activation, z, slopes, panels, lanes<T>, parameter, false);
            for (int p = 0; p < panels; ++p) {
                a[p] = load(z + p * lanes<T>);
                slope[p] = load(slopes + p * lanes<T>);
            }
        }
    }
    const Vec<T> zero = splat<T>(T(0));
    a[panels - 1] = facts.hidden ? a[panels - 1] : zero;
}

/// Lane k is the sum over the lanes of terms[k]; of a single one, every lane that has a unit is. Lanes
/// without a unit are zero, and adding them is waiting for nothing.
template <int outputs, class T>
DELTARULE_INLINE Vec<T> sum_outputs(const Vec<T> (&terms)[outputs], int64_t units) {
    if constexpr (outputs == 1) {
        if (units <= 2) return sum_across<T, 1>(terms[0]);
        if (units <= 4) return sum_across<T, (lanes<T> > 2 ? 2 : 1)>(terms[0]);
        return sum_across<T>(terms[0]);
    }
    Vec<T> all[lanes<T>];
    for (int i = 0; i < lanes<T>; ++i) all[i] = i < outputs ? terms[i] : terms[0];
    if constexpr (outputs == 2) {
        Vec<T> x = take_even<T, 1>(all[0], all[1]) + take_odd<T, 1>(all[0], all[1]);
        return sum_pairs<T, 2>(x);
    } else {
        Vec<T> x = take_even<T, 1>(all[0], all[1]) + take_odd<T, 1>(all[0], all[1]);
        Vec<T> y = take_even<T, 1>(all[2], all[3]) + take_odd<T, 1>(all[2], all[3]);
        return sum_pairs<T, 4>(take_even<T, 2>(x, y) + take_odd<T, 2>(x, y));
    }
}

/// f and δ of the outputs from their z, equations (3) to (5).
template <class T>
struct Judged {
    Vec<T> value, delta, prediction;
};

/// A single output stands in every lane that has a unit, so that nothing has to be spread on the way back.
template <int outputs, class T>
DELTARULE_INLINE Judged<T> judge_registers(const SampleRun<T>& run, const Facts<T>& facts, Vec<T> z,
                                           int64_t row) {
    const T* const target = run.samples->target + row * facts.last.units;
    for (int64_t k = 0; outputs > 1 && k < facts.last.units; ++k) run.trail.target[k] = target[k];
    const Vec<T> d = outputs == 1 ? splat<T>(*target) : load(run.trail.target);
    const Vec<T> zero = splat<T>(T(0));
    const Activation last = facts.last.activation;
    Vec<T> f, delta, a;
    if (last == Activation::logistic && facts.loss == Loss::log_loss) {
        a = logistic<T>(z);
        f = subtract_product<T>(d, z, softplus<T>(z));
        delta = a - d;
    } else if (last == Activation::logistic && facts.loss == Loss::squared_error) {
        a = logistic<T>(z);
        const Vec<T> r = a - d;
        f = r * r * T(0.5);
        delta = r * subtract_product<T>(a, a, a);
    } else if (last == Activation::identity && facts.loss == Loss::squared_error) {
        a = z;
        delta = z - d;
        f = delta * delta * T(0.5);
    } else {
        const Trail<T>& trail = run.trail;
        const Units<T, true> at{facts.last.units, lanes<T>};
        store(trail.outputs[1], z);
        run.trail.target[0] = target[0];
        const Vec<T> total =
            judge<T>(*run.network, at, trail.outputs[1], trail.slopes[1], trail.target, trail.deltas[1]);
        const Vec<T> found = load(trail.deltas[1]);
        return {total, outputs == 1 ? splat<T>(found[0]) : found, load(trail.outputs[1])};
    }
    if constexpr (outputs == 1) return {f, delta, a};
    return {sum_across<T>(facts.output ? f : zero), facts.output ? delta : zero, a};
}

/// Lane k of x in every lane.
template <int k, class T, int... I>
DELTARULE_INLINE Vec<T> spread(Vec<T> x, std::integer_sequence<int, I...>) {
    return shuffle<T>(x, x, std::integer_sequence<int, (I * 0 + k)...>{});
}

template <int panels, int k, int outputs, class T>
DELTARULE_INLINE void send_back(Registers<panels, outputs, T>& second, Vec<T> delta, Vec<T> step, T shrink,
                                const Vec<T> (&a)[panels], const Vec<T> (&slope)[panels],
                                Vec<T> (&hidden)[panels]) {
    if constexpr (k < outputs) {
        constexpr auto all = std::make_integer_sequence<int, lanes<T>>{};
        const Vec<T> here = outputs == 1 ? delta : spread<k, T>(delta, all);
        const Vec<T> by = outputs == 1 ? step : spread<k, T>(step, all);
        for (int p = 0; p < panels; ++p) {
            Vec<T>& w = second.weights[k][p];
            const Vec<T> sloping = outputs == 1 || panels == 1 ? w * slope[p] : w;  // before δ is there
            hidden[p] = k ? multiply_add<T>(sloping, here, hidden[p]) : sloping * here;
            w = multiply_add<T>(by, a[p], w * shrink);
        }
        send_back<panels, k + 1, outputs, T>(second, delta, step, shrink, a, slope, hidden);
    }
}

template <class T>
void trace_registers(const SampleRun<T>& run, T* const* arrays, int64_t l, const Vec<T>* from, int count) {
    T* const room = run.trail.slopes[l];
    for (int p = 0; p < count; ++p) store(room + p * lanes<T>, from[p]);
    record(run, arrays, l, room);
}

/// A row through the network and back: z of the hidden units becomes their δ, the second layer is
/// updated. Returns w f; leaves everything as it was where that is not finite.
template <int panels, int outputs, class P, class T>
DELTARULE_INLINE double there_and_back(const SampleRun<T>& run, const Facts<T>& facts,
                                       Registers<panels, outputs, T>& second, int64_t row, int64_t step,
                                       Vec<T> (&hidden)[panels]) {
    Vec<T> a[panels], slope[panels], product[outputs];
    for (int p = 0; p < panels; ++p) a[p] = hidden[p];
    if (run.trace) trace_registers<T>(run, run.trace->pre_activations, 0, a, panels);
    activate_registers<panels, T>(run, facts, a, slope);
    for (int k = 0; k < outputs; ++k) {
        product[k] = second.weights[k][0] * a[0];
        for (int p = 1; p < panels; ++p) product[k] = multiply_add<T>(second.weights[k][p], a[p], product[k]);
    }
    const Vec<T> z = sum_outputs<outputs, T>(product, facts.first.layer.units) + second.bias;
    Judged<T> judged = judge_registers<outputs, T>(run, facts, z, row);
    const T weight = run.samples->weight ? run.samples->weight[row] : T(1);
    const T factor = weight * T(run.scale);
    if (factor != T(1)) judged.delta *= factor;
    const double loss = double(weight) * double(judged.value[0]);
    if (run.trace) {
        trace_registers<T>(run, run.trace->outputs, 0, a, panels);
        trace_registers<T>(run, run.trace->pre_activations, 1, &z, 1);
        trace_registers<T>(run, run.trace->outputs, 1, &judged.prediction, 1);
        trace_registers<T>(run, run.trace->deltas, 1, &judged.delta, 1);
    }
    if (!std::isfinite(loss)) return loss;
    const T rate = T(run.rates[step]);
    const Vec<T> by = judged.delta * -rate;
    const T shrink = shrinks<P> ? T(1) - rate * facts.l2 : T(1);
    send_back<panels, 0, outputs, T>(second, judged.delta, by, shrink, a, slope, hidden);
    if constexpr (outputs > 1 && panels > 1)  // few products for the others
        for (int p = 0; p < panels; ++p) hidden[p] *= slope[p];
    if (facts.last.bias) second.bias += by;
    if (run.trace) trace_registers<T>(run, run.trace->deltas, 0, hidden, panels);
    return loss;
}

/// One step of a block; returns w f.
template <int panels, int outputs, class P, class T>
DELTARULE_INLINE double step_of_block(SampleRun<T>& run, const Facts<T>& facts,
                                      Registers<panels, outputs, T>& second, int64_t step) {
    Block<T>& block = block_of(run);
    const int64_t t = block.done, width = panels * lanes<T>;
    const First<T>& first = facts.first;
    Vec<T> hidden[panels];
    for (int p = 0; p < panels; ++p) {
        Vec<T> z = load(block.products + t * width + p * lanes<T>);
        if constexpr (shrinks<P>) z = z * T(block.weights.w_w * run.ahead->factor);
        hidden[p] = first.layer.bias ? z + load(first.weights + first.at(p, first.layer.inputs)) : z;
    }
    for (int64_t s = 0; s < t; ++s) {
        const T bias = first.layer.bias ? T(block.biases.w_g[s]) : T(0);
        const Vec<T> factor = splat<T>(
            multiply_add_numbers(T(block.weights.w_g[s]), block.overlaps[t * block_samples + s], bias));
        for (int p = 0; p < panels; ++p)
            hidden[p] = multiply_add<T>(load(block.deltas + s * width + p * lanes<T>), factor, hidden[p]);
    }
    const double loss =
        there_and_back<panels, outputs, P, T>(run, facts, second, block.rows[t], step, hidden);
    if (!std::isfinite(loss)) return loss;
    for (int p = 0; p < panels; ++p) store(block.deltas + t * width + p * lanes<T>, hidden[p]);
    note_step<P>(block, t, run.update, run.rates[step]);
    ++block.done;
    return loss;
}

template <int panels, int outputs, class P, class T>
int64_t steps_in_blocks(SampleRun<T>& run, const Facts<T>& facts, Registers<panels, outputs, T>& second) {
    begin<P>(run);
    int64_t step = 0;
    double loss = 0;
    while (step < run.steps && std::isfinite(loss)) {
        loss = step_of_block<panels, outputs, P, T>(run, facts, second, step);
        run.loss += loss;
        ++run.traced;
        ++step;
        if (std::isfinite(loss)) end_step<P>(run, step);
        else drop_rows(run);
    }
    return step;
}

/// A row of the inputs: where it lies, or written out.
template <class T>
const T* row_at(const SampleRun<T>& run, int64_t row, T (&room)[most_direct]) {
    const int64_t inputs = run.network->layers[0].inputs;
    if (run.samples->dense) return run.samples->dense + row * inputs;
    std::memset(room, 0, sizeof(room));
    each_entry(*run.samples, row, [&](int64_t column, T value) { room[column] += value; });
    return room;
}

/// The first layer one step behind: the last row, its δ and what they are to be multiplied by.
template <int panels, class T>
struct Behind {
    const T* x;
    Vec<T> delta[panels];
    T step = 0, shrink = 1;
};

/// z of the row `next` after the update that is still to come, W x with the weights as they are now and
/// δ times one number; then that update. So a step waits for the one before in one multiply-add only.
template <int panels, class P, class T>
DELTARULE_INLINE void catch_up(const First<T>& first, const Behind<panels, T>& last, const T* next,
                               Vec<T> (&z)[panels]) {
    T overlap = first.layer.bias ? T(1) : T(0);
    Vec<T> scaled[panels];  // not x: a δ of zero moves nothing, however large its row is
    for (int p = 0; p < panels; ++p) {
        z[p] = splat<T>(T(0));
        scaled[p] = last.delta[p] * last.step;
    }
    for (int64_t i = 0; i < first.layer.inputs; ++i) {
        const Vec<T> value = splat<T>(next[i]), by = splat<T>(last.x[i]);
        overlap = multiply_add_numbers(last.x[i], next[i], overlap);
        for (int p = 0; p < panels; ++p) {
            T* const at = first.weights + first.at(p, i);
            const Vec<T> w = load(at);
            z[p] = multiply_add<T>(w, value, z[p]);
            store(at, multiply_add<T>(scaled[p], by, shrinks<P> ? w * last.shrink : w));
        }
    }
    const Vec<T> reach = bounded<T>(splat<T>(overlap * last.step));
    for (int p = 0; p < panels; ++p) {
        if constexpr (shrinks<P>) z[p] = z[p] * last.shrink;
        if (first.layer.bias) {
            T* const at = first.weights + first.at(p, first.layer.inputs);
            z[p] += load(at);
            store(at, multiply_add<T>(last.delta[p], last.step, load(at)));
        }
        z[p] = multiply_add<T>(last.delta[p], reach, z[p]);
    }
}

/// Steps without blocks, for few weights. Between two calls the last update is left as an open block of
/// one row, so that no bit depends on where a run is cut.
template <int panels, int outputs, class P, class T>
int64_t steps_one_behind(SampleRun<T>& run, const Facts<T>& facts, Registers<panels, outputs, T>& second) {
    const First<T>& first = facts.first;
    const T zeros[most_direct] = {};
    T rooms[2][most_direct];
    Behind<panels, T> last{zeros, {}};
    Ahead<T>& ahead = *run.ahead;
    if (ahead.open) {
        const Block<T>& block = block_of(run);
        last.x = row_at(run, block.rows[0], rooms[1]);
        for (int p = 0; p < panels; ++p) last.delta[p] = load(block.deltas + p * lanes<T>);
        last.step = T(block.weights.w_g[0]);
        last.shrink = T(block.weights.w_w);
    }
    ahead.open = false;
    int64_t step = 0;
    Vec<T> hidden[panels];
    for (; step < run.steps; ++step) {
        const T* const x = row_at(run, run.order[step], rooms[step % 2]);
        catch_up<panels, P, T>(first, last, x, hidden);
        const double loss =
            there_and_back<panels, outputs, P, T>(run, facts, second, run.order[step], step, hidden);
        run.loss += loss;
        ++run.traced;
        if (!std::isfinite(loss)) return step + 1;
        for (int p = 0; p < panels; ++p) last.delta[p] = hidden[p];
        last.x = x;
        last.step = T(-run.rates[step]);
        if constexpr (shrinks<P>) last.shrink = T(1) - T(run.rates[step]) * facts.l2;
    }
    if (run.position + step == run.positions) {
        catch_up<panels, P, T>(first, last, zeros, hidden);
        return step;
    }
    Block<T>& block = block_of(run);
    block.size = block.done = 1;
    block.sparse = false;
    block.rows[0] = run.order[step - 1];
    pack_inputs(run, block);
    for (int p = 0; p < panels; ++p) store(block.deltas + p * lanes<T>, last.delta[p]);
    restart(block.weights);
    restart(block.biases);
    block.weights.w_g[0] = block.biases.w_g[0] = double(last.step);
    block.weights.w_w = double(last.shrink);
    ahead.open = true;
    return step;
}

template <int panels, int outputs, class P, class T>
int64_t tiny_steps(SampleRun<T>& run) {
    const Layer &hidden = run.network->layers[0], &last = run.network->layers[1];
    const Facts<T> facts{first_of(run),
                         last,
                         first_lanes<T>(hidden.units - (panels - 1) * lanes<T>),
                         first_lanes<T>(last.units),
                         run.network->loss,
                         T(run.network->loss_parameter),
                         run.update.l2};
    T* const store_of = run.store.weights + last.offset;
    Registers<panels, outputs, T> second;
    second.read(last, store_of);
    int64_t steps;
    if (hidden.rows * panels <= most_direct)
        steps = steps_one_behind<panels, outputs, P, T>(run, facts, second);
    else steps = steps_in_blocks<panels, outputs, P, T>(run, facts, second);
    second.write(last, store_of);
    return steps;
}

template <int panels, class P, class T>
int64_t with_outputs(SampleRun<T>& run) {
    const int64_t outputs = run.network->layers[1].units;
    constexpr int several = lanes<T> >= 4 ? 4 : 2;  // no more than a vector holds
    if (outputs == 1) return tiny_steps<panels, 1, P, T>(run);
    return tiny_steps<panels, several, P, T>(run);
}

template <class P, class T>
int64_t with_panels(SampleRun<T>& run) {
    switch (run.network->layers[0].panels) {
        case 1: return with_outputs<1, P, T>(run);
        case 2: return with_outputs<2, P, T>(run);
        case 3: return with_outputs<3, P, T>(run);
        default: return with_outputs<4, P, T>(run);
    }
}

}  // namespace

template <class T>
bool is_tiny(const Network& network, const Update<T>& update) {
    if (network.depth != 2 || update.kind != Optimizer::sgd || update.l1 != 0) return false;
    const Layer &hidden = network.layers[0], &last = network.layers[1];
    constexpr int64_t most = lanes<T> < 4 ? lanes<T> : 4;
    return hidden.inputs < sparse_inputs && hidden.units <= tiny_units && hidden.panels <= 4 &&
           last.units <= most && hidden.activation != Activation::softmax;
}

template <class T>
int64_t tiny(SampleRun<T>& run) {
    if (run.update.l2 != 0) return with_panels<Policy<Optimizer::sgd, Penalty::square>, T>(run);
    return with_panels<Policy<Optimizer::sgd, Penalty::none>, T>(run);
}

template bool is_tiny<float>(const Network&, const Update<float>&);
template bool is_tiny<double>(const Network&, const Update<double>&);
template int64_t tiny<float>(SampleRun<float>& run);
template int64_t tiny<double>(SampleRun<double>& run);

}  // namespace deltarule::DELTARULE_ISA
