#pragma once
#include "deltarule/kernels.hpp"
#include "deltarule/simd.hpp"

/// Products and updates of a first layer for a block of samples at once.
///
///   products[s] = W⁰ x_s,  overlaps[t][s] = x_s·x_t,  W = w_w W⁰ + w_v V⁰ + Σ_s w_g[s] δ_s x_sᵀ
///
/// Inputs lie [input][sample], so that a tile of weights meets four or eight samples with one address.
/// Every sum has one accumulator per element and runs in ascending order, whatever the tile: with finite
/// weights a block that is met in two parts gives the same bits.
namespace deltarule::DELTARULE_ISA {

/// Inputs that a tile meets before the next panels' turn: weights of three panels and the inputs of two
/// blocks then stay in the first cache.
constexpr int64_t ahead_inputs = 128;

/// The first layer's numbers: weights, and the velocity of momentum at the same places.
template <class T>
struct First {
    Layer layer;
    T* weights;
    T* velocity;

    DELTARULE_INLINE int64_t width() const { return layer.panels * lanes<T>; }
    DELTARULE_INLINE int64_t at(int64_t panel, int64_t input) const {
        return (panel * layer.rows + input) * lanes<T>;
    }
};

template <class T>
First<T> first_of(const SampleRun<T>& run) {
    const Layer& layer = run.network->layers[0];
    return {layer, run.store.weights + layer.offset, run.store.moment + layer.offset};
}

/// Where a tile stands: `count` inputs from `input` on, panels from `panel` on.
struct Place {
    int64_t panel, input, count;
};

/// The inputs of a place that a block has to meet: all from `begin` to `end`, or those that are listed
/// there. What is left out is zero in every sample and would change no bit of finite weights.
struct Met {
    const int32_t* list;
    int64_t begin, end;

    template <bool listed>
    DELTARULE_INLINE int64_t input(int64_t i) const {
        return listed ? int64_t(list[i]) : i;
    }
};

/// Goes on to those within the first `inputs` inputs.
template <class T>
void meet(Met& met, const Block<T>& block, int64_t inputs) {
    met.begin = met.end;
    if (!block.listed) met.end = inputs;
    else
        while (met.end < block.used_count && block.used[met.end] < inputs) ++met.end;
}

template <int panels, int samples, bool listed, class T>
void look_tile(const First<T>& first, const T* numbers, const Block<T>& block, T* products, Place at, Met met,
               int64_t sample) {
    const int64_t stride = first.layer.rows * lanes<T>, width = first.width();
    const T* const base = numbers + first.at(at.panel, 0);
    const T* const from = block.inputs + sample;
    T* const to = products + sample * width + at.panel * lanes<T>;
    Vec<T> sum[panels][samples];
    for (int p = 0; p < panels; ++p)
        for (int s = 0; s < samples; ++s)
            sum[p][s] = at.input ? load(to + s * width + p * lanes<T>) : splat<T>(T(0));
    for (int64_t i = met.begin; i < met.end; ++i) {
        const int64_t k = met.input<listed>(i);
        const T *const w = base + k * lanes<T>, *const x = from + k * block_samples;
        Vec<T> row[panels];
        for (int p = 0; p < panels; ++p) row[p] = load(w + p * stride);
        for (int s = 0; s < samples; ++s) {
            const Vec<T> input = splat<T>(x[s]);
            for (int p = 0; p < panels; ++p) sum[p][s] = multiply_add<T>(row[p], input, sum[p][s]);
        }
    }
    for (int p = 0; p < panels; ++p)
        for (int s = 0; s < samples; ++s) store(to + s * width + p * lanes<T>, sum[p][s]);
}

template <int panels, int samples, bool listed, class T>
void learn_tile(const First<T>& first, T* numbers, const Block<T>& block, const T* scaled, Place at, Met met,
                int64_t sample) {
    const int64_t stride = first.layer.rows * lanes<T>, width = first.width();
    T* const base = numbers + first.at(at.panel, 0);
    const T* const from = block.inputs + sample;
    const T* const deltas = scaled + sample * width + at.panel * lanes<T>;
    Vec<T> step[panels][samples];
    for (int p = 0; p < panels; ++p)
        for (int s = 0; s < samples; ++s) step[p][s] = load(deltas + s * width + p * lanes<T>);
    for (int64_t i = met.begin; i < met.end; ++i) {
        const int64_t k = met.input<listed>(i);
        T* const w = base + k * lanes<T>;
        const T* const x = from + k * block_samples;
        Vec<T> row[panels];
        for (int p = 0; p < panels; ++p) row[p] = load(w + p * stride);
        for (int s = 0; s < samples; ++s) {
            const Vec<T> input = splat<T>(x[s]);
            for (int p = 0; p < panels; ++p) row[p] = multiply_add<T>(step[p][s], input, row[p]);
        }
        for (int p = 0; p < panels; ++p) store(w + p * stride, row[p]);
    }
}

/// W = w_w W + w_v V and V = v_w W + v_v V for the weights of a place.
template <class T>
void mix_tile(const First<T>& first, const Linear& by, Place at) {
    T* const weights = first.weights + first.at(at.panel, at.input);
    T* const velocity = first.velocity + first.at(at.panel, at.input);
    const Vec<T> w_w = splat<T>(T(by.w_w)), w_v = splat<T>(T(by.w_v)), v_w = splat<T>(T(by.v_w)),
                 v_v = splat<T>(T(by.v_v));
    for (int64_t i = 0; i < at.count * lanes<T>; i += lanes<T>) {
        const Vec<T> w = load(weights + i), v = load(velocity + i);
        store(weights + i, multiply_add<T>(v, w_v, w * w_w));
        store(velocity + i, multiply_add<T>(v, v_v, w * v_w));
    }
}

/// The closing block's updates and the opening block's products for some panels; either may be null.
template <int panels, bool moments, class T>
void advance_panels(const First<T>& first, const Block<T>* closing, Met learned, const T* scaled,
                    const Block<T>* opening, Met looked, Place at) {
    // With one panel, eight samples keep as many sums in flight as three panels with four.
    constexpr int samples = DELTARULE_BYTES == 64 || panels == 1 ? 8 : 4;
    const int64_t layer_width = block_samples * first.width();
    const auto learn = [&](T* numbers, const T* deltas, int64_t s) {
        if (closing->listed)
            learn_tile<panels, samples, true, T>(first, numbers, *closing, deltas, at, learned, s);
        else learn_tile<panels, samples, false, T>(first, numbers, *closing, deltas, at, learned, s);
    };
    const auto look = [&](const T* numbers, T* products, int64_t s) {
        if (opening->listed)
            look_tile<panels, samples, true, T>(first, numbers, *opening, products, at, looked, s);
        else look_tile<panels, samples, false, T>(first, numbers, *opening, products, at, looked, s);
    };
    if (closing) {
        if constexpr (moments)
            for (int p = 0; p < panels; ++p)
                mix_tile<T>(first, closing->weights, {at.panel + p, at.input, at.count});
        for (int64_t s = 0; s < closing->done; s += samples) {
            learn(first.weights, scaled, s);
            if constexpr (moments) learn(first.velocity, scaled + layer_width, s);
        }
    }
    for (int64_t s = 0; opening && s < opening->size; s += samples) {
        look(first.weights, opening->products, s);
        if constexpr (moments) look(first.velocity, opening->products + layer_width, s);
    }
}

/// δ_s times its coefficient and `by`, for weights and velocity. Columns of a tile beyond `done` become zero.
template <bool moments, class T>
void scale_deltas(const First<T>& first, const Block<T>& block, double by, T* scaled) {
    const int64_t width = first.width();
    const Vec<T> zero = splat<T>(T(0));
    for (int64_t s = 0; s < block_samples; ++s) {
        const bool there = s < block.done;
        const T weight = there ? T(block.weights.w_g[s] * by) : T(0),
                velocity = there ? T(block.weights.v_g[s] * by) : T(0);
        for (int64_t k = 0; k < width; k += lanes<T>) {
            const Vec<T> delta = there ? load(block.deltas + s * width + k) : zero;
            store(scaled + s * width + k, delta * weight);
            if constexpr (moments) store(scaled + (block_samples + s) * width + k, delta * velocity);
        }
    }
}

/// The bias row: without penalty, its input always one.
template <bool moments, class T>
void close_biases(const First<T>& first, const Block<T>& block) {
    const Linear& by = block.biases;
    for (int64_t p = 0; first.layer.bias && p < first.layer.panels; ++p) {
        T* const weight = first.weights + first.at(p, first.layer.inputs);
        T* const velocity = first.velocity + first.at(p, first.layer.inputs);
        Vec<T> w = load(weight), v = splat<T>(T(0));
        if constexpr (moments) {
            v = load(velocity);
            const Vec<T> old = w;
            w = multiply_add<T>(v, T(by.w_v), w * T(by.w_w));
            v = multiply_add<T>(v, T(by.v_v), old * T(by.v_w));
        }
        for (int64_t s = 0; s < block.done; ++s) {
            const Vec<T> delta = load(block.deltas + s * first.width() + p * lanes<T>);
            w = multiply_add<T>(delta, T(by.w_g[s]), w);
            if constexpr (moments) v = multiply_add<T>(delta, T(by.v_g[s]), v);
        }
        store(weight, w);
        if constexpr (moments) store(velocity, v);
    }
}

/// One sweep over the first layer's weights: in with the closing block's updates, out with the opening
/// block's products.
template <bool moments, class T>
void advance(const First<T>& first, const Block<T>* closing, double factor, T* scaled,
             const Block<T>* opening) {
    if (closing) {
        scale_deltas<moments, T>(first, *closing, 1 / factor, scaled);
        close_biases<moments, T>(first, *closing);
    }
    const int64_t inputs = first.layer.inputs, panels = first.layer.panels;
    Met learned{closing ? closing->used : nullptr, 0, 0}, looked{opening ? opening->used : nullptr, 0, 0};
    for (int64_t i = 0; i < inputs; i += ahead_inputs) {
        const int64_t count = inputs - i < ahead_inputs ? inputs - i : ahead_inputs;
        if (closing) meet(learned, *closing, i + count);
        if (opening) meet(looked, *opening, i + count);
        const auto some = [&]<int n>(int64_t p) {
            advance_panels<n, moments, T>(first, closing, learned, scaled, opening, looked, {p, i, count});
        };
        int64_t p = 0;
        for (; p + 3 <= panels; p += 3) some.template operator()<3>(p);
        if (panels - p == 2) some.template operator()<2>(p);
        else if (panels - p == 1) some.template operator()<1>(p);
    }
}

/// Numbers that times zero are zero: a delta of zero moves nothing, however large its row is.
template <class T>
DELTARULE_INLINE Vec<T> bounded(Vec<T> x) {
    const Vec<T> most = splat<T>(sizeof(T) == 4 ? T(1e30) : T(1e300));
    x = x > most ? most : x;
    x = x < -most ? -most : x;
    return x == x ? x : splat<T>(T(0));  // a row that holds a NaN has its z for saying so
}

/// overlaps[t][s] = x_s·x_t for all s, for t from `from` to `size`. Four t at a time share the loads.
template <bool listed, class T>
void overlap(const Block<T>& block, Met met, int64_t from) {
    constexpr int vectors = block_samples > lanes<T> ? int(block_samples) / lanes<T> : 1;
    constexpr int group = vectors > 2 ? 2 : 4;
    for (int64_t t = from / group * group; t < block.size; t += group) {
        Vec<T> sum[group][vectors];
        for (int g = 0; g < group; ++g)
            for (int v = 0; v < vectors; ++v) sum[g][v] = splat<T>(T(0));
        for (int64_t i = met.begin; i < met.end; ++i) {
            const T* const x = block.inputs + met.input<listed>(i) * block_samples;
            for (int v = 0; v < vectors; ++v) {
                const Vec<T> all = load(x + v * lanes<T>);
                for (int g = 0; g < group; ++g) sum[g][v] = multiply_add<T>(all, x[t + g], sum[g][v]);
            }
        }
        for (int g = 0; g < group; ++g) {
            T found[vectors * lanes<T>];
            for (int v = 0; v < vectors; ++v) store(found + v * lanes<T>, bounded<T>(sum[g][v]));
            for (int s = 0; s < block_samples; ++s) block.overlaps[(t + g) * block_samples + s] = found[s];
        }
    }
}

}  // namespace deltarule::DELTARULE_ISA
