#pragma once
#include <algorithm>
#include <cstring>

#include "deltarule/products.hpp"
#include "deltarule/sparse.hpp"
#include "deltarule/strip.hpp"

/// Columns that are zero in every row of a strip of inputs add nothing to a sum: a strip lists the
/// others, and the first layer's two products walk along that list. The terms left out are zeros, so
/// every bit is that of the whole product as long as weights and deltas are finite.
///
/// A list is [count][bits][columns], with the bias as the last column; the count is -1 where nearly all
/// columns are used, which is cheaper without a list. Rows of CSR are written out where their entries meet in
/// the same columns, and always have a list.
namespace deltarule::DELTARULE_ISA {

/// Narrower inputs are not worth the search.
constexpr int64_t listed_inputs = 32;

/// Whether the first layer looks at rows of CSR entry by entry.
template <class T>
bool reads_entries(const Batch<T>& batch) {
    return !batch.samples->dense && !batch.samples->written_out && !is_there(batch.network->prelude);
}

template <class T>
bool has_lists(const Batch<T>& batch) {
    if (!batch.samples->dense) return !reads_entries(batch);
    return batch.widths[0] >= listed_inputs && batch.operations[0].listed;
}

template <class T>
int32_t* used_list(const Batch<T>& batch, int64_t slot) {
    return batch.used + slot * used_size(batch.widths[0]);
}
inline uint32_t* bits_of(int32_t* list) { return reinterpret_cast<uint32_t*>(list + 1); }
inline int32_t* columns_of(int32_t* list, int64_t width) { return list + 1 + used_words(width); }

/// The strip's list, or null where it walks along all columns.
template <class T>
int32_t* list_of(const Batch<T>& batch, int64_t slot) {
    if (!has_lists(batch)) return nullptr;
    int32_t* const list = used_list(batch, slot);
    return *list < 0 ? nullptr : list;
}

/// Whether a column, [strip] numbers, holds one that is not zero.
template <class T>
DELTARULE_INLINE bool is_used(const T* column, int64_t vectors) {
    Mask<T> any = bits<T>(load(column));
    for (int64_t v = 1; v < vectors; ++v) any |= bits<T>(load(column + v * lanes<T>));
    return lane_bits<T>((any & ~sign_bit<T>()) != 0) != 0;
}

inline bool is_listed(int32_t* list, int64_t column) { return bits_of(list)[column / 32] >> column % 32 & 1; }

/// From bits to columns; the bias is the last one.
inline void list_bits(int32_t* list, int64_t width) {
    uint32_t* const bits = bits_of(list);
    int32_t* const columns = columns_of(list, width);
    bits[width / 32] = (width % 32 ? bits[width / 32] : 0) | uint32_t(1) << width % 32;
    int64_t count = 0;
    for (int64_t word = 0; word < used_words(width); ++word)
        for (uint32_t left = bits[word]; left; left &= left - 1)
            columns[count++] = int32_t(word * 32 + __builtin_ctz(left));
    *list = int32_t(count);
}

/// Lists the columns of a strip that has been gathered.
template <class T>
void list_used(const Strip<T>& s) {
    const int64_t width = s.batch.widths[0];
    const T* const from = s.values(0);
    int32_t* const list = used_list(s.batch, s.slot);
    *list = -1;
    if (s.vectors == 1) return;
    int64_t probed = 0, zeros = 0;  // a few columns tell whether the search is worth it
    for (int64_t i = 0; i < width; i += lanes<T>, ++probed) zeros += !is_used(from + i * strip<T>, s.vectors);
    if (zeros * 8 < probed) return;
    uint32_t* const bits = bits_of(list);
    int64_t count = 0;
    for (int64_t i = 0; i < width; i += 32) {
        uint32_t word = 0;
        for (int64_t k = i; k < width && k < i + 32; ++k)
            word |= uint32_t(is_used(from + k * strip<T>, s.vectors)) << (k - i);
        bits[i / 32] = word;
        count += __builtin_popcount(word);
    }
    if (count * 8 <= width * 7) list_bits(list, width);
}

/// Writes rows of CSR out, those columns alone that are used, and lists them.
template <class T>
void write_out(const Strip<T>& s) {
    const int64_t width = s.batch.widths[0], words = used_words(width);
    T* const to = s.values(0);
    int32_t* const list = used_list(s.batch, s.slot);
    uint32_t* const bits = bits_of(list);
    std::memset(bits, 0, size_t(words) * sizeof(uint32_t));
    for (int64_t i = 0; i < s.count; ++i)
        each_entry(*s.batch.samples, s.rows[i],
                   [&](int64_t column, T) { bits[column / 32] |= uint32_t(1) << column % 32; });
    list_bits(list, width);
    const int32_t* const columns = columns_of(list, width);
    for (int64_t i = 0; i + 1 < *list; ++i)
        for (int k = 0; k < strip<T>; k += lanes<T>) store(to + columns[i] * strip<T> + k, splat<T>(T(0)));
    for (int64_t i = 0; i < s.count; ++i)
        each_entry(*s.batch.samples, s.rows[i],
                   [&](int64_t column, T value) { to[column * strip<T> + i] = value; });
}

/// Equation (2) along the list; the bias behind the columns is one of it. `a` are the inputs, or what they
/// are scaled to.
template <class T>
void forward_listed(const Strip<T>& s, const Layer& layer, const T* panels, const T* a, int32_t* list,
                    bool rectify, T* z) {
    const int64_t all = *list - !layer.bias;
    const int32_t* const columns = columns_of(list, s.batch.widths[0]);
    const int64_t block = block_terms(std::max<int64_t>(all, 1), strip<T> * sizeof(T));
    for (int64_t i = 0; i < all || i == 0; i += block) {
        Product<T> p{};
        p.a = panels;
        p.a_panel = layer.rows * lanes<T>;
        p.b = a;
        p.b_inner = strip<T>;
        p.b_vector = lanes<T>;
        p.list = columns + i;
        p.last = std::min(block, all - i);
        p.c = z;
        p.c_row = strip<T>;
        p.c_vector = lanes<T>;
        p.add = i > 0;
        p.rectify = rectify && i + block >= all;
        product<TermsListed, lanes<T>, T>(p, layer.units, s.vectors);
    }
}

/// Whether a strip of the batch has a list.
template <class T>
bool any_listed(const Batch<T>& batch, int64_t first_slot, int64_t strips) {
    for (int64_t i = 0; i < strips; ++i)
        if (list_of(batch, first_slot + i)) return true;
    return false;
}

/// Strips whose used columns the gradient takes together, so that its sums stay in registers for longer.
/// Written out, a strip has no other columns than its own.
template <class T>
int64_t strips_together(const Batch<T>& batch) {
    return batch.samples->dense ? 4 : 1;
}

/// Of the columns from `first` on the `count` next, at most 64, as bits.
inline uint64_t bits_from(const uint32_t* bits, int64_t words, int64_t first, int64_t count) {
    const int64_t word = first / 32;
    uint64_t found = 0;
    for (int64_t i = 0; i < 3 && word + i < words; ++i) {
        const int64_t shift = 32 * i - first % 32;
        found |= shift < 0 ? uint64_t(bits[word + i]) >> -shift
                           : (shift < 64 ? uint64_t(bits[word + i]) << shift : 0);
    }
    return count < 64 ? found & ((uint64_t(1) << count) - 1) : found;
}

/// Equation (7) for a rectangle of the first layer, some strips at a time along their lists.
template <class T>
void gradient_listed(const Batch<T>& batch, const Task& task, const T* delta, int64_t delta_panel,
                     const Places& places, int64_t first_slot, const Rectangle<T>& to) {
    const T* const inputs = batch.values[batch.operations[task.operation].input];
    static_assert(rectangle_rows <= 64, "the rows of a rectangle are the bits of a word");
    const int64_t width = batch.widths[0], words = used_words(width), together = strips_together(batch);
    const int64_t a_strip = (width + 1) * strip<T>;
    for (int64_t panel = 0; !batch.add && panel < to.panels; ++panel)
        std::memset(to.at + panel * to.panel_step, 0, size_t(to.rows * lanes<T>) * sizeof(T));
    for (int64_t i = 0; i < places.strips; i += together) {
        const int64_t strips = std::min(together, places.strips - i);
        uint64_t used = 0;
        for (int64_t slot = first_slot + i; slot < first_slot + i + strips; ++slot) {
            int32_t* const list = list_of(batch, slot);
            used |= list ? bits_from(bits_of(list), words, task.row, task.rows) : ~uint64_t(0);
        }
        if (task.rows < 64) used &= (uint64_t(1) << task.rows) - 1;
        int32_t rows[64];
        int64_t count = 0;
        for (; used; used &= used - 1) rows[count++] = __builtin_ctzll(used);
        if (count == 0) continue;
        Product<T> p{};
        p.a = inputs + (first_slot + i) * a_strip + task.row * strip<T>;
        p.a_outer = a_strip;
        p.b = delta + i * places.inner * lanes<T>;
        p.b_outer = places.inner * lanes<T>;
        p.b_inner = lanes<T>;
        p.b_vector = delta_panel;
        p.list = rows;
        p.outer = strips;
        p.inner = places.inner;
        p.last = i + strips < places.strips ? places.inner : places.last;
        p.c = to.at;
        p.c_row = lanes<T>;
        p.c_vector = to.panel_step;
        p.add = true;
        product<RowsListed<strip<T>>, 1, T>(p, count, to.panels);
    }
}

}  // namespace deltarule::DELTARULE_ISA
