// The mini-batch road: strips of samples through all operations, then the parameters, piece by piece.
//
// a) A strip is up to three vectors of samples. Its blocks lie feature-major, [unit][samples], so
//    that all elementwise work is vertical and softmax needs no sum across lanes; each block ends
//    with a row of ones, and the bias is the last input row of a weight panel.
// b) Rows of X are gathered by index and transposed in registers on the way in: no shuffled copy. Columns
//    that are zero throughout a strip are left out of the first layer's products (used_columns.hpp).
// c) What a network does is a list of operations (operations.hpp). All three products of an affine
//    one use the tile of tile.hpp. Forward and data gradient read the same panel in two directions;
//    the first one has no data gradient. Deltas are also written sample by sample, which makes the
//    weight gradient's right factor contiguous.
// d) Samples beyond the batch repeat its last row with delta zero, and are left out of sums.
// e) Strips are independent, and so are rectangles of weights; every element is one sum in ascending
//    order. So any number of threads gives the same bits, with two barriers a step.
// f) Where parameters are few and rows many, the rows are cut into parts, by the shape alone. A part
//    goes there and back and sums its own gradient; the second half adds the parts in their order.

#include "deltarule/kernels.hpp"
#include "deltarule/operation_activation.hpp"
#include "deltarule/operation_affine.hpp"
#include "deltarule/operation_dropout.hpp"
#include "deltarule/operation_embed.hpp"
#include "deltarule/operation_mixture.hpp"
#include "deltarule/operation_normalization.hpp"
#include "deltarule/operation_scale.hpp"
#include "deltarule/optimizers.hpp"
#include "kernels_isa.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

/// In the order of `OperationKind`.
template <class T>
constexpr OperationFunctions<T> operation_functions[] = {
    affine_functions<T>,    activation_functions<T>,     moments_functions<T>,
    normalize_functions<T>, normalize_rows_functions<T>, dropout_functions<T>,
    mixture_functions<T>,   embed_functions<T>,          scale_functions<T>};

template <class T>
const OperationFunctions<T>& functions_of(const Operation& operation) {
    return operation_functions<T>[int(operation.kind)];
}

/// `n` numbers of each of a vector of rows to [feature][strip], the first `kept` of them.
template <class T>
DELTARULE_INLINE void transpose_square(const T* const* rows, int64_t at, int64_t kept, T* to) {
    Vec<T> square[lanes<T>];
    for (int i = 0; i < lanes<T>; ++i) square[i] = load(rows[i] + at);
    transpose<T>(square);
    for (int i = 0; i < lanes<T> && i < kept; ++i) store(to + (at + i) * strip<T>, square[i]);
}

/// A vector of row-major rows of `width` numbers to [feature][strip]; nothing is read from `end` on.
template <class T>
void transpose_in(const T* const* rows, int64_t width, const T* end, T* to) {
    constexpr int n = lanes<T>;
    int64_t at = 0;
    for (; at + n <= width; at += n) transpose_square(rows, at, n, to);
    if (at == width) return;
    if (width >= n) return transpose_square(rows, width - n, n, to);  // overlaps the one before
    bool inside = true;  // a row narrower than a vector: what follows it is read, and left out
    for (int i = 0; i < n; ++i) inside &= end - rows[i] >= n;
    if (inside) return transpose_square(rows, 0, width, to);
    for (int64_t f = 0; f < width; ++f)
        for (int i = 0; i < n; ++i) to[f * strip<T> + i] = rows[i][f];
}

/// Row-major rows of `from`, chosen by the strip, to [feature][strip].
template <class T>
void gather_dense(const Strip<T>& s, const T* from, int64_t width, T* to) {
    const T* rows[lanes<T>];
    const T* const end = from + s.batch.samples->rows * width;
    for (int64_t v = 0; v < s.vectors; ++v) {
        for (int i = 0; i < lanes<T>; ++i) rows[i] = from + s.rows[v * lanes<T> + i] * width;
        transpose_in<T>(rows, width, end, to + v * lanes<T>);
    }
}

/// Asks for the rows of the next strip, which lie anywhere; of long ones for the beginning.
template <class T>
void prefetch_next(const Strip<T>& s) {
    const Batch<T>& batch = s.batch;
    constexpr int64_t line = 64 / int64_t(sizeof(T));
    const int64_t width = batch.widths[0], most = width < 8 * line ? width : 8 * line;
    for (int64_t i = s.begin + batch.strip_rows; i < batch.count && i < s.begin + 2 * batch.strip_rows; ++i) {
        const T* const row = batch.samples->dense + (batch.order ? batch.order[i] : batch.first + i) * width;
        for (int64_t at = 0; at < most; at += line) __builtin_prefetch(row + at);
    }
}

/// Equation (1).
template <class T>
void gather(const Strip<T>& s) {
    const int64_t width = s.batch.widths[0];
    set_ones(s.values(0) + width * strip<T>);
    if (!s.batch.samples->dense) return write_out(s);
    gather_dense(s, s.batch.samples->dense, width, s.values(0));
    prefetch_next(s);
    if (has_lists(s.batch)) list_used(s);
}

template <class T>
const Layer& last_layer(const Batch<T>& batch) {
    return batch.network->layers[batch.network->depth - 1];
}

/// Equations (4) and (5), sample weights and the factor of equation (9); returns Σ w f.
template <class T>
double judge_strip(const Strip<T>& s) {
    const int64_t units = last_layer(s.batch).units;
    T *const a = s.values(s.outputs()), *const delta = s.delta(s.outputs()), *const slope = s.output_slope();
    gather_dense(s, s.batch.samples->target, units, s.target());
    T weight[strip<T>] = {}, f[lanes<T>];
    for (int64_t i = 0; i < s.count; ++i)
        weight[i] = s.batch.samples->weight ? s.batch.samples->weight[s.rows[i]] : T(1);
    double total = 0;
    for (int64_t begin = 0; begin < s.count; begin += lanes<T>) {
        store(f, judge_heads<T>(*s.batch.network, a + begin, slope + begin, s.target() + begin, delta + begin,
                                strip<T>));
        const Vec<T> factor = load(weight + begin) * s.batch.factor;
        const Mask<T> inside = first_lanes<T>(s.count - begin);
        for (int64_t k = 0; k < units; ++k) {
            T* const at = delta + k * strip<T> + begin;
            store(at, inside ? load(at) * factor : splat<T>(T(0)));
        }
        for (int64_t i = begin; i < s.count && i < begin + lanes<T>; ++i)
            total += double(weight[i]) * double(f[i - begin]);
    }
    return total;
}

/// d̂ as row-major rows.
template <class T>
void predict_strip(const Strip<T>& s) {
    const Layer& layer = last_layer(s.batch);
    T *const a = s.values(s.outputs()), *const slope = s.output_slope();
    for (int64_t h = 0; h < s.batch.network->head_count; ++h) {
        const Head& head = s.batch.network->heads[h];
        const Units<T, false> at{head.end - head.begin, strip<T>};
        T *const begin = a + head.begin * strip<T>, *const slopes = slope + head.begin * strip<T>;
        for (int64_t v = 0; v < s.vectors * lanes<T>; v += lanes<T>)
            activate_outputs<T>(head.activation, T(head.parameter), at, begin + v, slopes + v);
    }
    T* to = s.batch.predictions + s.begin * layer.units;
    for (int64_t i = 0; i < s.count; ++i)
        for (int64_t k = 0; k < layer.units; ++k) *to++ = a[k * strip<T> + i];
}

/// A strip through the stage; returns Σ w f where that ends at the head.
template <class T>
double run_strip(const Batch<T>& batch, int worker, int64_t number) {
    const Strip<T> s(batch, worker, number);
    const Stage& stage = batch.stage;
    double loss = 0;
    if (stage.forward) {
        if (stage.begin == 0 && !reads_entries(batch)) gather(s);
        for (int64_t i = stage.begin; i < stage.end; ++i)
            functions_of<T>(batch.operations[i]).forward(s, batch.operations[i]);
        if (stage.end == batch.operation_count) {
            if (batch.losses) loss = judge_strip(s);
            else predict_strip(s);
        }
    }
    for (int64_t i = stage.end; stage.backward && i-- > stage.begin;)
        functions_of<T>(batch.operations[i]).backward(s, batch.operations[i]);
    return loss;
}

template <class T>
int64_t strips_of(const Batch<T>& batch) {
    return (batch.count + batch.strip_rows - 1) / batch.strip_rows;
}

template <class T>
const Layer& layer_of(const Batch<T>& batch, const Task& task) {
    return batch.network->layers[batch.operations[task.operation].layer];
}

/// Whether a task is of numbers that stand beside the weights, one or two for each unit.
template <class T>
bool of_piece(const Batch<T>& batch, const Task& task) {
    return in_one_piece(batch.operations[task.operation].kind);
}

/// Parameters in one piece of the store; `size` includes padding.
struct Piece {
    int64_t at, size;
    double rate;  ///< factor of the step size
};

template <class T>
Piece piece_of(const Batch<T>& batch, const Task& task) {
    const Operation& operation = batch.operations[task.operation];
    const Prelude& prelude = batch.network->prelude;
    if (operation.kind == OperationKind::embed)
        return {prelude.embedding, prelude.embedding_vectors * lanes<T>, prelude.embedding_rate};
    if (operation.kind == OperationKind::scale)
        return {prelude.gain, prelude.gain_vectors * lanes<T>, prelude.gain_rate};
    const Layer& layer = layer_of(batch, task);
    if (operation.kind == OperationKind::mixture)
        return {layer.mixture, layer.panels * lanes<T>, layer.mixture_rate};
    // Gain and shift.
    return {layer.extra, 2 * layer.panels * lanes<T>, 1};
}

/// A piece in an array that lies as the store does. Gain and shift have a row each.
template <class T>
Rectangle<T> piece_in(T* panels, const Batch<T>& batch, const Task& task) {
    const Piece piece = piece_of(batch, task);
    return {panels + piece.at, 1, 2, piece.size / 2};
}

/// A rectangle in an array that lies as the weights do.
template <class T>
Rectangle<T> rectangle_in(T* panels, const Layer& layer, const Task& task) {
    const int64_t step = layer.rows * lanes<T>;
    return {panels + layer.offset + task.panel * step + task.row * lanes<T>, task.rows, task.panels, step};
}

/// One that needs no more than this worker's own place, and stays in the cache.
template <class T>
Rectangle<T> rectangle_of(const Batch<T>& batch, int worker, const Task& task) {
    T* const at = batch.rectangles + worker * (rectangle_rows * tile_vectors * lanes<T>);
    return {at, task.rows, task.panels, task.rows * lanes<T>};
}

/// The update of parameters with a step size of their own; a factor of one changes no bit.
template <class T>
Update<T> paced(Update<T> u, double factor) {
    u.rate *= T(factor);
    u.decay *= T(factor);
    return u;
}

/// Updates the parameters of a task with its gradient; the bias row apart where it is not penalised as
/// the others are, or has another step size.
template <class T>
void update_task(const Batch<T>& batch, const Task& task, const Rectangle<T>& gradient) {
    const Layer& layer = layer_of(batch, task);
    const Update<T>& u = batch.update;
    if (of_piece(batch, task))
        return with_optimizer(u.kind, [&]<Optimizer kind>() {
            const Piece piece = piece_of(batch, task);
            Update<T> own = u;
            own.rate = T(double(u.rate) * piece.rate);
            update_range<kind, Penalty::none, T>(own, batch.store, gradient.at, piece.at, piece.size);
        });
    const int64_t step = layer.rows * lanes<T>, all = task.rows * lanes<T>;
    int64_t at = layer.offset + task.panel * step + task.row * lanes<T>;
    with_optimizer(u.kind, [&]<Optimizer kind>() {
        with_penalty(u, [&]<Penalty penalty>() {
            const bool biases = layer.bias && task.row + task.rows == layer.rows;
            const bool apart = biases && (penalty != Penalty::none || layer.weight_rate != layer.bias_rate);
            const int64_t weights = all - (apart ? lanes<T> : 0);
            const Update<T> of_weights = paced(u, layer.weight_rate), of_biases = paced(u, layer.bias_rate);
            for (int64_t p = 0; p < task.panels; ++p, at += step) {
                const T* const g = gradient.at + p * gradient.panel_step;
                update_range<kind, penalty, T>(of_weights, batch.store, g, at, weights);
                if (apart)
                    update_range<kind, Penalty::none, T>(of_biases, batch.store, g + weights, at + weights,
                                                         lanes<T>);
            }
        });
    });
}

/// Equation (7), then the update.
template <class T>
void run_task(const Batch<T>& batch, int worker, const Task& task) {
    if (of_piece(batch, task)) {
        const Rectangle<T> to = piece_in(batch.gradient, batch, task);
        functions_of<T>(batch.operations[task.operation]).gradient(batch, task, to);
        if (batch.apply) update_task(batch, task, to);
        return;
    }
    const bool small = batch.apply && !batch.add && task.rows <= rectangle_rows;
    const Rectangle<T> to =
        small ? rectangle_of(batch, worker, task) : rectangle_in(batch.gradient, layer_of(batch, task), task);
    functions_of<T>(batch.operations[task.operation]).gradient(batch, task, to);
    if (batch.apply) update_task(batch, task, to);
}

/// Adds what the parts found, in their order, and to what was there before if asked for.
template <class T>
void sum_task(const Batch<T>& batch, int worker, const Task& task) {
    const Layer& layer = layer_of(batch, task);
    const Rectangle<T> full = rectangle_in(batch.gradient, layer, task);
    const Rectangle<T> to = batch.apply ? rectangle_of(batch, worker, task) : full;
    const int64_t parts = (batch.count + batch.task_strips - 1) / batch.task_strips;
    for (int64_t p = 0; p < task.panels; ++p) {
        const T* const from = rectangle_in(batch.parts, layer, task).at + p * full.panel_step;
        const T* const before = full.at + p * full.panel_step;
        T* const sums = to.at + p * to.panel_step;
        for (int64_t i = 0; i < task.rows * lanes<T>; i += lanes<T>) {
            Vec<T> sum = batch.add ? load(before + i) : splat<T>(T(0));
            for (int64_t part = 0; part < parts; ++part) sum += load(from + part * batch.network->size + i);
            store(sums + i, sum);
        }
    }
    if (batch.apply) update_task(batch, task, to);
}

/// Calls `act(gradient, weights, count, penalised)` for every stretch of a task's gradient in the store.
template <class T, class Action>
void each_stretch(const Batch<T>& batch, const Task& task, Action act) {
    const Layer& layer = layer_of(batch, task);
    if (of_piece(batch, task)) {
        const Piece piece = piece_of(batch, task);
        return act(batch.gradient + piece.at, batch.store.weights + piece.at, piece.size, false);
    }
    const Rectangle<T> all = rectangle_in(batch.gradient, layer, task);
    const T* const weights = rectangle_in(batch.store.weights, layer, task).at;
    const bool biases = layer.bias && task.row + task.rows == layer.rows;
    const int64_t penalised = (task.rows - biases) * lanes<T>;
    for (int64_t p = 0; p < task.panels; ++p) {
        const int64_t at = p * all.panel_step;
        act(all.at + at, weights + at, penalised, true);
        if (biases) act(all.at + at + penalised, weights + at + penalised, int64_t(lanes<T>), false);
    }
}

/// A part: its strips there and back, its gradient.
template <class T>
void run_part(const Batch<T>& batch, int worker, int64_t part) {
    Batch<T> own = batch;
    const int64_t begin = part * batch.task_strips;
    own.order = batch.order ? batch.order + begin : nullptr;
    own.first = batch.first + begin;
    own.offset = batch.offset + begin;
    own.count = batch.count - begin < batch.task_strips ? batch.count - begin : batch.task_strips;
    own.set = worker;
    own.add = own.apply = false;
    own.gradient = batch.parts + part * batch.network->size;
    double loss = 0;
    for (int64_t i = 0; i < strips_of(own); ++i) loss += run_strip(own, worker, i);
    batch.losses[part] = loss;
    for (int64_t i = 0; i < own.task_count; ++i) run_task(own, worker, own.tasks[i]);
}

}  // namespace

template <class T>
void strip_pass(void* context, int worker, int64_t task) {
    FlushDenormals guard;
    const Batch<T>& batch = *static_cast<const Batch<T>*>(context);
    const int64_t begin = task * batch.task_strips, all = strips_of(batch);
    for (int64_t i = begin; i < all && i < begin + batch.task_strips; ++i) {
        const double loss = run_strip(batch, worker, i);
        if (batch.losses) batch.losses[i] = loss;
    }
}

template <class T>
void weight_pass(void* context, int worker, int64_t task) {
    FlushDenormals guard;
    const Batch<T>& batch = *static_cast<const Batch<T>*>(context);
    run_task(batch, worker, batch.tasks[task]);
}

template <class T>
void part_pass(void* context, int worker, int64_t part) {
    FlushDenormals guard;
    run_part(*static_cast<const Batch<T>*>(context), worker, part);
}

template <class T>
void sum_pass(void* context, int worker, int64_t task) {
    FlushDenormals guard;
    const Batch<T>& batch = *static_cast<const Batch<T>*>(context);
    sum_task(batch, worker, batch.tasks[task]);
}

template <class T>
double step_pass(Batch<T>& batch) {
    FlushDenormals guard;
    double loss = 0;
    for (int64_t i = 0; i < strips_of(batch); ++i) loss += run_strip(batch, 0, i);
    if (loss - loss != 0 && batch.apply) return loss;  // not finite
    for (int64_t i = 0; i < batch.task_count; ++i) run_task(batch, 0, batch.tasks[i]);
    return loss;
}

/// A stage ends in front of an operation that needs what its strips have found, or, on the way back,
/// with one that found it.
template <class T>
void combine_batch(const Batch<T>& batch) {
    FlushDenormals guard;
    const Stage& stage = batch.stage;
    const auto normalizes = [&](int64_t at) {
        return at < batch.operation_count && batch.operations[at].kind == OperationKind::normalize;
    };
    if (stage.forward && normalizes(stage.end)) combine_moments(batch, batch.operations[stage.end]);
    if (stage.backward && normalizes(stage.begin)) combine_deltas(batch, batch.operations[stage.begin]);
}

template <class T>
void follow_batch(const Batch<T>& batch) {
    FlushDenormals guard;
    for (int64_t i = 0; i < batch.operation_count; ++i)
        if (batch.operations[i].kind == OperationKind::moments) follow_moments(batch, batch.operations[i]);
}

template <class T>
void square_pass(void* context, int, int64_t task) {
    FlushDenormals guard;
    const Batch<T>& batch = *static_cast<const Batch<T>*>(context);
    const Update<T>& u = batch.update;
    const bool any = u.l1 != 0 || u.l2 != 0;
    double parts[lanes<T>] = {};
    each_stretch(batch, batch.tasks[task], [&](T* g, const T* w, int64_t count, bool penalised_too) {
        for (int64_t i = 0; any && penalised_too && i < count; i += lanes<T>)
            store(g + i, penalised<Penalty::both, T>(load(g + i), load(w + i), u.l1, u.l2));
        for (int64_t i = 0; i < count; i += lanes<T>)
            for (int k = 0; k < lanes<T>; ++k) parts[k] += double(g[i + k]) * double(g[i + k]);
    });
    double total = 0;
    for (const double part : parts) total += part;
    batch.losses[task] = total;
}

template <class T>
void update_pass(void* context, int, int64_t task) {
    FlushDenormals guard;
    const Batch<T>& batch = *static_cast<const Batch<T>*>(context);
    const Task& which = batch.tasks[task];
    if (batch.factor != 1)
        each_stretch(batch, which, [&](T* g, const T*, int64_t count, bool) {
            for (int64_t i = 0; i < count; i += lanes<T>) store(g + i, load(g + i) * batch.factor);
        });
    const Layer& layer = layer_of(batch, which);
    update_task(batch, which,
                of_piece(batch, which) ? piece_in(batch.gradient, batch, which)
                                       : rectangle_in(batch.gradient, layer, which));
}

template <class T>
void average_pass(void* context, int, int64_t piece) {
    FlushDenormals guard;
    const Batch<T>& batch = *static_cast<const Batch<T>*>(context);
    const int64_t begin = piece * average_piece, all = batch.network->size;
    const int64_t end = begin + average_piece < all ? begin + average_piece : all;
    for (int64_t i = begin; i < end; i += lanes<T>) {
        const Vec<T> average = load(batch.store.average + i);
        const Vec<T> apart = load(batch.store.weights + i) - average;
        store(batch.store.average + i, multiply_add<T>(apart, splat<T>(batch.factor), average));
    }
}

#define DELTARULE_PASSES(T) \
    template void strip_pass<T>(void*, int, int64_t); \
    template void weight_pass<T>(void*, int, int64_t); \
    template void part_pass<T>(void*, int, int64_t); \
    template void sum_pass<T>(void*, int, int64_t); \
    template double step_pass<T>(Batch<T>&); \
    template void combine_batch<T>(const Batch<T>&); \
    template void follow_batch<T>(const Batch<T>&); \
    template void square_pass<T>(void*, int, int64_t); \
    template void update_pass<T>(void*, int, int64_t); \
    template void average_pass<T>(void*, int, int64_t);
DELTARULE_PASSES(float)
DELTARULE_PASSES(double)

}  // namespace deltarule::DELTARULE_ISA
