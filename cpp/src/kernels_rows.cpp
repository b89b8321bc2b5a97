// Prediction row by row: the units of a layer fill the lanes, as on the per-sample road.
//
// a) A row passes all layers before the next begins, so that a row alone and a row among others get
//    the same bits.
// b) Two pieces of the caller's scratch take turns; nothing else is written, so that any number of
//    threads may predict with the same weights.
// c) Slopes are not computed, and nothing drops out: nobody learns here.
// d) Outputs of several heads, which begin anywhere, are copied to where a vector may begin.

#include <algorithm>
#include <utility>

#include "deltarule/operation_embed.hpp"
#include "kernels_isa.hpp"
#include "one_row.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

template <Activation kind, class T>
void evaluate_as(T* z, int64_t count, T parameter) {
    for (int64_t i = 0; i < count * lanes<T>; i += lanes<T>)
        store(z + i, activated<kind, T>(load(z + i), parameter, true).value);
}

/// σ(z) of units side by side, in place.
template <class T>
void evaluate(Activation activation, double parameter, int64_t units, T* z) {
    const Units<T, true> at{units, lanes<T>};
    if (activation == Activation::softmax) return (void)softmax<T>(at, z);
    with_activation(activation, [&]<Activation kind>() {
        if (kind != Activation::identity) evaluate_as<kind, T>(z, at.count(), T(parameter));
    });
}

/// Equation (13) for one row. The frequencies of a column fill the lanes, then what it becomes does; what
/// is read behind the end of either belongs to other parameters, and is left out.
template <class T>
void embed_row(const Prelude& prelude, const T* weights, const T* x, T* to) {
    const Embedding<const T> from(weights + prelude.embedding, prelude);
    const int64_t count = prelude.frequencies, width = prelude.width;
    std::copy_n(x, prelude.inputs, to);
    to += prelude.inputs;
    for (int64_t c = 0; c < prelude.column_count; ++c, to += width) {
        const Vec<T> input = splat<T>(x[prelude.columns[c]]);
        std::copy_n(from.bias + c * width, width, to);
        for (int64_t first = 0; first < count; first += lanes<T>) {
            const int64_t at = c * count + first, rest = count - first;
            T cosines[lanes<T>], sum[lanes<T>];
            const Vec<T> phase = load(from.phase + at) * turns<T>;
            store(cosines, turned<T>(multiply_add<T>(input, load(from.frequency + at), phase)).cosine);
            for (int64_t j = 0; j < width; j += lanes<T>) {
                const int64_t most = width - j < lanes<T> ? width - j : lanes<T>;
                std::copy_n(to + j, most, sum);
                Vec<T> total = load(sum);
                for (int64_t f = 0; f < rest && f < lanes<T>; ++f)
                    total = multiply_add<T>(load(from.weight + (at + f) * width + j), cosines[f], total);
                store(sum, total);
                std::copy_n(sum, most, to + j);
            }
        }
    }
}

/// What stands in front of the first layer, for one row.
template <class T>
void before_first(const Network& network, const T* weights, const T* x, T* to) {
    const Prelude& prelude = network.prelude;
    const int64_t width = network.layers[0].inputs;
    if (prelude.column_count) embed_row<T>(prelude, weights, x, to);
    else std::copy_n(x, width, to);
    for (int64_t i = 0; i < prelude.gain_size; ++i) to[i] *= weights[prelude.gain + i];
}

template <class T>
struct Moments {
    Vec<T> mean, inverse;  ///< 1 / √(variance + ε)
};

/// Of a row's own units.
template <class T>
Moments<T> own_moments(const Layer& layer, const T* z) {
    const Units<T, true> at{layer.units, lanes<T>};
    const auto mean_of = [&](auto term) {
        Vec<T> total = splat<T>(T(0));
        for (int64_t i = 0; i < at.count(); ++i)
            total += at.inside(i) ? term(load(z + i * lanes<T>)) : splat<T>(T(0));
        return at.sum(total) / T(layer.units);
    };
    const Vec<T> mean = mean_of([](Vec<T> here) { return here; });
    const Vec<T> variance = mean_of([&](Vec<T> here) { return (here - mean) * (here - mean); });
    return {mean, inverse_deviation<T>(variance, layer)};
}

/// Equation (10) in place, by running statistics or by those of the row itself.
template <class T>
void normalize_row(const Layer& layer, const T* weights, const T* running, T* z) {
    const int64_t width = width_of<T>(layer);
    const bool own = layer.normalization == Normalization::layer;
    const T* const gain = weights + layer.extra;
    const T* const means = running + layer.extra + 2 * width;
    Moments<T> by{};
    if (own) by = own_moments<T>(layer, z);
    for (int64_t i = 0; i < width; i += lanes<T>) {
        if (!own) by = {load(means + i), inverse_deviation<T>(load(means + width + i), layer)};
        const Vec<T> x = (load(z + i) - by.mean) * by.inverse;
        store(z + i, multiply_add<T>(x, load(gain + i), load(gain + width + i)));
    }
}

/// Equation (14) in place; `piece` has room for a layer.
template <class T>
void mix(const Layer& layer, const T* weights, T* z, T* piece) {
    const int64_t width = width_of<T>(layer);
    std::copy_n(z, width, piece);
    evaluate<T>(layer.activation, layer.parameter, layer.units, z);
    for (int64_t i = 0; i < width; i += lanes<T>) {
        const Vec<T> before = load(piece + i);
        store(z + i, multiply_add<T>(load(z + i) - before, load(weights + layer.mixture + i), before));
    }
}

/// a^L of the outputs of one head; `piece` has room for a layer.
template <class T>
void answer(const Head& head, const T* z, T* piece, T* outputs) {
    const int64_t units = head.end - head.begin, width = Units<T, true>{units, 1}.count() * lanes<T>;
    std::copy_n(z + head.begin, units, piece);
    std::fill_n(piece + units, width - units, T(0));
    if (head.activation == Activation::ascending) {
        evaluate<T>(Activation::softplus, 0, units, piece);
        const int64_t group = head.parameter ? int64_t(head.parameter) : units;
        for (int64_t k = 0; k < units; ++k) {
            T* const to = outputs + head.begin + k;
            *to = k % group == 0 ? z[head.begin + k] : to[-1] + piece[k];
        }
        return;
    }
    evaluate<T>(head.activation, head.parameter, units, piece);
    std::copy_n(piece, units, outputs + head.begin);
}

}  // namespace

template <class T>
void predict_rows(const Rows<T>& rows) {
    FlushDenormals guard;
    const Network& network = *rows.network;
    const int64_t inputs = inputs_of(network), outputs = network.layers[network.depth - 1].units;
    for (int64_t row = 0; row < rows.count; ++row) {
        const T* x = rows.inputs + row * inputs;
        T *z = rows.scratch, *other = rows.scratch + rows.widest;
        if (is_there(network.prelude)) {
            before_first<T>(network, rows.weights, x, other);
            x = other;
        }
        for (int64_t l = 0; l < network.depth; ++l, std::swap(z, other)) {
            const Layer& layer = network.layers[l];
            const T* const weights = rows.weights + layer.offset;
            forward_layer<T>(layer, weights, x, z, Look<T>{layer, weights});
            x = z;
            if (l + 1 == network.depth) continue;
            if (layer.normalization != Normalization::none)
                normalize_row<T>(layer, rows.weights, rows.running, z);
            if (layer.mixes) mix<T>(layer, rows.weights, z, other);
            else evaluate<T>(layer.activation, layer.parameter, layer.units, z);
        }
        for (int64_t h = 0; h < network.head_count; ++h)
            answer<T>(network.heads[h], x, z, rows.outputs + row * outputs);
    }
}

template void predict_rows<float>(const Rows<float>& rows);
template void predict_rows<double>(const Rows<double>& rows);

}  // namespace deltarule::DELTARULE_ISA
