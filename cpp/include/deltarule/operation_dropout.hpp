#pragma once
#include "deltarule/philox.hpp"
#include "deltarule/random.hpp"
#include "deltarule/strip.hpp"

/// Equation (11), in place behind an activation: what is kept is scaled, the rest is zero, and so is what
/// the activation keeps for the way back, which needs no operation of its own then.
///
/// A row of the batch has a block of four words for every 16 units; unit u goes by the u-th number of 16
/// bits, the lower bits of a word first. Numbers are drawn row by row and turned in registers, so that a
/// vector has the numbers of one unit, or of as many as an element has room for, in its rows.
namespace deltarule::DELTARULE_ISA {

/// Units of a block; numbers in an element, in a vector, and units that are drawn at a time.
constexpr int64_t dropout_block = 16;
template <class T>
constexpr int dropout_fields = int(sizeof(T)) / 2;
template <class T>
constexpr int64_t dropout_vector = lanes<T> * dropout_fields<T>;
template <class T>
constexpr int64_t dropout_units = dropout_vector<T> < dropout_block ? dropout_block : dropout_vector<T>;
template <class T>
constexpr int64_t dropout_width = dropout_units<T> / dropout_fields<T>;  ///< elements of a row

/// The numbers of the units from `first` on, [row][dropout_width]. As in all a strip holds, rows that
/// fill the last vector repeat the last one.
template <class T>
void draw(const Strip<T>& s, const Layer& layer, int64_t first, T* to) {
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    const int64_t blocks = (layer.units + dropout_block - 1) / dropout_block, begin = first / dropout_block;
    const int64_t rest = blocks - begin, most = dropout_units<T> / dropout_block;
    const int64_t count = rest < most ? rest : most;
    for (int64_t i = 0; i < s.count; ++i, to += dropout_width<T>)
        for (int64_t block = 0; block < count; ++block) {
            const PhiloxBlock words = philox(
                s.batch.key, uint64_t(Stream::dropout), s.batch.clock,
                uint64_t((s.batch.offset + s.begin + i) * blocks + begin + block), uint64_t(layer.dropout));
            __builtin_memcpy(to + block * dropout_block / dropout_fields<T>, words.lane, sizeof words.lane);
        }
    for (int64_t i = s.count; i < s.vectors * lanes<T>; ++i, to += dropout_width<T>)
        __builtin_memcpy(to, to - dropout_width<T>, dropout_width<T> * sizeof(T));
}

/// Of each number what is kept of it, or zero; `kept` is all bits or none.
template <class T>
DELTARULE_INLINE void keep_scaled(Mask<T> kept, T scale, T* at) {
    store(at, from_bits<T>(bits<T>(load(at) * scale) & kept));
}

template <class T>
void dropout_forward(const Strip<T>& s, const Operation& self) {
    if (!s.batch.training) return;
    const Layer& layer = s.layer(self);
    const T scale = T(65536.0 / double(layer.keep));
    const Mask<T> keep = Mask<T>{} + typename Simd<T>::Int(layer.keep);
    T drawn[strip<T> * dropout_width<T>] = {};
    for (int64_t first = 0; first < layer.units; first += dropout_units<T>) {
        draw(s, layer, first, drawn);
        const int64_t left = layer.units - first, count = left < dropout_units<T> ? left : dropout_units<T>;
        for (int64_t v = 0; v < s.vectors; ++v)
            for (int64_t part = 0; part < count; part += dropout_vector<T>) {
                Vec<T> square[lanes<T>];
                const T* const from = drawn + v * lanes<T> * dropout_width<T> + part / dropout_fields<T>;
                for (int i = 0; i < lanes<T>; ++i) square[i] = load(from + i * dropout_width<T>);
                transpose<T>(square);
                const int64_t begin = (first + part) * strip<T> + v * lanes<T>;
                T *const a = s.values(self.output) + begin, *const slope = s.kept(self.kept) + begin;
                T* const bent = layer.mixes ? slope + layer.units * strip<T> : nullptr;
                const auto apply = [&](int i, int field) {
                    const Mask<T> numbers =
                        (Mask<T>)((typename Simd<T>::Word)bits<T>(square[i]) >> 16 * field);
                    const Mask<T> kept = (numbers & 0xFFFF) < keep;
                    const int64_t at = (i * dropout_fields<T> + field) * strip<T>;
                    keep_scaled<T>(kept, scale, a + at);
                    keep_scaled<T>(kept, scale, slope + at);
                    if (bent) keep_scaled<T>(kept, scale, bent + at);
                };
                if (count - part >= dropout_vector<T>) {
#pragma GCC unroll 16
                    for (int i = 0; i < lanes<T>; ++i)
#pragma GCC unroll 4
                        for (int field = 0; field < dropout_fields<T>; ++field) apply(i, field);
                    continue;
                }
                for (int unit = 0; unit < count - part; ++unit)
                    apply(unit / dropout_fields<T>, unit % dropout_fields<T>);
            }
    }
}

template <class T>
void dropout_backward(const Strip<T>&, const Operation&) {}

template <class T>
constexpr OperationFunctions<T> dropout_functions = {&dropout_forward<T>, &dropout_backward<T>, nullptr};

}  // namespace deltarule::DELTARULE_ISA
