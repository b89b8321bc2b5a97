#pragma once
#include "deltarule/philox.hpp"
#include "deltarule/random.hpp"
#include "deltarule/strip.hpp"

/// Equation (11), in place behind an activation: what is kept is scaled, the rest is zero, and so is what
/// the activation keeps for the way back, which needs no operation of its own then.
///
/// A row of the batch has a block of four words for every 16 units; unit u goes by the u-th number of 16
/// bits, the lower bits of a word first.
namespace deltarule::DELTARULE_ISA {

template <class T>
void dropout_forward(const Strip<T>& s, const Operation& self) {
    if (!s.batch.training) return;
    const Layer& layer = s.layer(self);
    const T scale = T(65536.0 / double(layer.keep));
    const int64_t blocks = (layer.units + 15) / 16;
    T *const a = s.values(self.output), *const slope = s.kept(self.kept);
    for (int64_t i = 0; i < s.count; ++i) {
        const auto row = uint64_t(s.batch.offset + s.begin + i);
        for (int64_t block = 0; block < blocks; ++block) {
            const PhiloxBlock words =
                philox(s.batch.key, uint64_t(Stream::dropout), s.batch.clock,
                       row * uint64_t(blocks) + uint64_t(block), uint64_t(layer.dropout));
            const int64_t first = block * 16, last = first + 16 < layer.units ? first + 16 : layer.units;
            for (int64_t unit = first; unit < last; ++unit) {
                const uint64_t number = words.lane[(unit - first) / 4] >> (16 * (unit % 4)) & 0xFFFF;
                const T factor = int64_t(number) < layer.keep ? scale : T(0);
                a[unit * strip<T> + i] *= factor;
                slope[unit * strip<T> + i] *= factor;
            }
        }
    }
}

template <class T>
void dropout_backward(const Strip<T>&, const Operation&) {}

template <class T>
constexpr OperationFunctions<T> dropout_functions = {&dropout_forward<T>, &dropout_backward<T>, nullptr};

}  // namespace deltarule::DELTARULE_ISA
