#pragma once
#include "deltarule/elementwise.hpp"
#include "deltarule/operation_scale.hpp"

/// Equation (13), in front of the first layer: all inputs x as they are, then for each embedded one of them
/// V cos(2π w x + b) + v. Cosines and sines are kept for the way back; the inputs need no delta.
///
/// An argument is taken in turns, w x + b / 2π. Gradients are sums over rows, as in operation_scale.hpp.
namespace deltarule::DELTARULE_ISA {

template <class T>
constexpr T radians = T(6.2831853071795864769);
template <class T>
constexpr T turns = T(0.15915494309189533577);

/// The four blocks of an embedding, of the parameters or of what lies as they do.
template <class Number>
struct Embedding {
    Number *frequency, *phase;  ///< [column][frequency]
    Number* weight;             ///< [column][frequency][width]
    Number* bias;               ///< [column][width]

    Embedding(Number* begin, const Prelude& of)
        : frequency(begin),
          phase(frequency + of.column_count * of.frequencies),
          weight(phase + of.column_count * of.frequencies),
          bias(weight + of.column_count * of.frequencies * of.width) {}
};

/// The inputs as they are; where the strip has a list, the others are zero.
template <class T>
void copy_inputs(const Strip<T>& s, T* to) {
    const int64_t width = s.batch.widths[0];
    const T* const x = s.values(0);
    std::memcpy(to, x, size_t(width * strip<T>) * sizeof(T));
    int32_t* const list = list_of(s.batch, s.slot);
    for (int64_t column = 0; list && column < width; ++column)
        if (!is_listed(list, column)) std::memset(to + column * strip<T>, 0, strip<T> * sizeof(T));
}

template <class T>
void embed_forward(const Strip<T>& s, const Operation& self) {
    const Prelude& prelude = s.batch.network->prelude;
    const Embedding<const T> from(s.batch.store.weights + prelude.embedding, prelude);
    const int64_t count = prelude.frequencies, width = prelude.width;
    T* const a = s.values(self.output);
    copy_inputs(s, a);
    with_vectors(s, [&]<int vectors>() {
        T* to = a + s.batch.widths[0] * strip<T>;
        T *cosines = s.kept(self.kept), *sines = cosines + prelude.column_count * count * strip<T>;
        for (int64_t c = 0; c < prelude.column_count; ++c) {
            const T *const x = a + prelude.columns[c] * strip<T>, *const weight =
                                                                      from.weight + c * count * width;
            for (int64_t f = 0; f < count; ++f) {
                const T frequency = from.frequency[c * count + f],
                        phase = from.phase[c * count + f] * turns<T>;
                for (int64_t v = 0, at = f * strip<T>; v < vectors; ++v, at += lanes<T>) {
                    const Turned<T> found =
                        turned<T>(multiply_add<T>(load(x + v * lanes<T>), frequency, phase));
                    store(cosines + at, found.cosine);
                    store(sines + at, found.sine);
                }
            }
            for (int64_t j = 0; j < width; ++j, to += strip<T>) {
                Vec<T> sum[vectors];
                for (int v = 0; v < vectors; ++v) sum[v] = splat<T>(from.bias[c * width + j]);
                for (int64_t f = 0; f < count; ++f)
                    for (int v = 0; v < vectors; ++v)
                        sum[v] = multiply_add<T>(load(cosines + f * strip<T> + v * lanes<T>),
                                                 weight[f * width + j], sum[v]);
                for (int v = 0; v < vectors; ++v) store(to + v * lanes<T>, sum[v]);
            }
            cosines += count * strip<T>;
            sines += count * strip<T>;
        }
    });
    set_ones(a + s.batch.widths[self.output] * strip<T>);
}

/// Sums over lanes that are written one after the other, a vector at a time.
template <class T>
class LaneSums {
public:
    explicit LaneSums(T* to) : to_(to) {}
    DELTARULE_INLINE void add(Vec<T> term) {
        terms_[count_++] = term;
        if (count_ < lanes<T>) return;
        store(to_, sums<T>(terms_));
        to_ += lanes<T>;
        count_ = 0;
    }
    /// The last ones, which fill no vector.
    void end() {
        T rest[lanes<T>];
        for (int i = count_; i < lanes<T>; ++i) terms_[i] = splat<T>(T(0));
        store(rest, sums<T>(terms_));
        for (int i = 0; i < count_; ++i) to_[i] = rest[i];
    }

private:
    T* to_;
    int count_ = 0;
    Vec<T> terms_[lanes<T>];
};

template <class T>
void embed_backward(const Strip<T>& s, const Operation& self) {
    const Prelude& prelude = s.batch.network->prelude;
    const Embedding<const T> from(s.batch.store.weights + prelude.embedding, prelude);
    const Embedding<T> to(sums_of(s.batch, s.number, self), prelude);
    const int64_t count = prelude.frequencies, width = prelude.width;
    LaneSums<T> frequencies(to.frequency), phases(to.phase), weights(to.weight), biases(to.bias);
    with_vectors(s, [&]<int vectors>() {
        const T* delta = s.delta(self.output) + s.batch.widths[0] * strip<T>;
        const T *cosine = s.kept(self.kept), *sine = cosine + prelude.column_count * count * strip<T>;
        const T* weight = from.weight;
        for (int64_t c = 0; c < prelude.column_count; ++c, delta += width * strip<T>) {
            Vec<T> x[vectors];
            for (int v = 0; v < vectors; ++v)
                x[v] =
                    load(s.values(self.output) + prelude.columns[c] * strip<T> + v * lanes<T>) * radians<T>;
            for (int64_t j = 0; j < width; ++j) {
                Vec<T> total = load(delta + j * strip<T>);
                for (int v = 1; v < vectors; ++v) total += load(delta + j * strip<T> + v * lanes<T>);
                biases.add(total);
            }
            for (int64_t f = 0; f < count; ++f, cosine += strip<T>, sine += strip<T>, weight += width) {
                Vec<T> upstream[vectors] = {}, plain = splat<T>(T(0)), along = plain;
                for (int64_t j = 0; j < width; ++j) {
                    Vec<T> total = splat<T>(T(0));
                    for (int64_t v = 0, at = j * strip<T>; v < vectors; ++v, at += lanes<T>) {
                        const Vec<T> d = load(delta + at);
                        total = multiply_add<T>(d, load(cosine + v * lanes<T>), total);
                        upstream[v] = multiply_add<T>(d, weight[j], upstream[v]);
                    }
                    weights.add(total);
                }
                for (int v = 0; v < vectors; ++v) {
                    const Vec<T> slope = load(sine + v * lanes<T>) * upstream[v];
                    plain -= slope;
                    along = subtract_product<T>(slope, x[v], along);
                }
                phases.add(plain);
                frequencies.add(along);
            }
        }
    });
    for (LaneSums<T>* each : {&frequencies, &phases, &weights, &biases}) each->end();
}

template <class T>
void embed_gradient(const Batch<T>& batch, const Task& task, const Rectangle<T>& to) {
    add_strips(batch, batch.operations[task.operation], batch.network->prelude.embedding_size, to.at);
}

template <class T>
constexpr OperationFunctions<T> embed_functions = {&embed_forward<T>, &embed_backward<T>, &embed_gradient<T>};

}  // namespace deltarule::DELTARULE_ISA
