#pragma once
#include "deltarule/kernels.hpp"
#include "deltarule/tile.hpp"

/// The three products of an affine layer. Activations and deltas of a strip lie feature-major,
/// [unit][strip]; weights in panels; for the weight gradient deltas lie in panels too,
/// [panel][sample][lanes], so that a group of panels stays in the cache while all rows of the
/// gradient pass by. Sums are cut into blocks that fit the first-level cache.
namespace deltarule::DELTARULE_ISA {

/// Terms of one block of a sum whose right factor takes `bytes` a term; `count` are cut evenly.
inline int64_t block_terms(int64_t count, int64_t bytes) {
    const int64_t blocks = (count * bytes + tile_cache - 1) / tile_cache;
    return (count + blocks - 1) / blocks;
}

/// Equation (2): z[unit][sample] = Σ_i W[unit][i] a[i][sample], the bias last; or relu of it.
template <class T>
void forward_product(const Layer& layer, const T* panels, const T* a, bool rectify, T* z, int64_t vectors) {
    const int64_t block = block_terms(layer.rows, strip<T> * sizeof(T));
    for (int64_t i = 0; i < layer.rows; i += block) {
        Product<T> p{};
        p.a = panels + i * lanes<T>;
        p.a_panel = layer.rows * lanes<T>;
        p.b = a + i * strip<T>;
        p.b_inner = strip<T>;
        p.b_vector = lanes<T>;
        p.outer = 1;
        p.last = layer.rows - i < block ? layer.rows - i : block;
        p.c = z;
        p.c_row = strip<T>;
        p.c_vector = lanes<T>;
        p.add = i > 0;
        p.rectify = rectify && i + block >= layer.rows;
        product<InPanels, lanes<T>, T>(p, layer.units, vectors);
    }
}

/// Of the inputs of a layer those whose delta is wanted: from one on, or some that are listed.
struct Wanted {
    int64_t first = 0;
    const int32_t* list = nullptr;
    int64_t count = 0;  ///< of the list
};

/// Equation (6): upstream[i][sample] = Σ_unit W[unit][i] δ[unit][sample], times `kept`, or where `positive`
/// is; both lie as the result does, and may be null, as they are where not all inputs are wanted.
template <class T>
void data_product(const Layer& layer, const T* panels, const T* delta, const T* kept, const T* positive,
                  T* upstream, int64_t vectors, const Wanted& wanted = {}) {
    panels += wanted.first * lanes<T>;
    upstream += wanted.first * strip<T>;
    const int64_t block = block_terms(layer.panels, lanes<T> * strip<T> * sizeof(T));
    for (int64_t panel = 0; panel < layer.panels; panel += block) {
        Product<T> p{};
        p.outer = layer.panels - panel < block ? layer.panels - panel : block;
        p.inner = lanes<T>;
        const int64_t units = layer.units - (panel + p.outer - 1) * lanes<T>;
        p.last = units < lanes<T> ? units : lanes<T>;
        p.a = panels + panel * layer.rows * lanes<T>;
        p.a_outer = layer.rows * lanes<T>;
        p.b = delta + panel * lanes<T> * strip<T>;
        p.b_outer = lanes<T> * strip<T>;
        p.b_inner = strip<T>;
        p.b_vector = lanes<T>;
        p.c = upstream;
        p.c_row = strip<T>;
        p.c_vector = lanes<T>;
        p.add = panel > 0;
        p.kept = panel + block >= layer.panels ? kept : nullptr;
        p.positive = panel + block >= layer.panels ? positive : nullptr;
        p.list = wanted.list;
        if (wanted.list && wanted.count == 0) return;
        if (wanted.list) product<RowsListed<lanes<T>>, 1, T>(p, wanted.count, vectors);
        else product<Apart<lanes<T>>, 1, T>(p, layer.inputs - wanted.first, vectors);
    }
}

/// Vectors of samples in each strip but the last, for so many in all: cut evenly, so that four make
/// two strips of two.
inline int64_t strip_vectors(int64_t vectors) {
    const int64_t strips = (vectors + tile_vectors - 1) / tile_vectors;
    return (vectors + strips - 1) / strips;
}

/// Samples in strips: all of `inner` but the last.
struct Places {
    int64_t strips, inner, last;
};

constexpr int64_t rectangle_rows = 64;

/// Cuts the weights of a layer into rectangles of up to three panels and `most` rows that are computed
/// and updated one at a time: evenly, by their shape alone. Returns how many; `to` may be null.
inline int64_t cut_weights(const Layer& layer, int64_t operation, int64_t most, Task* to) {
    const int64_t across = (layer.panels + tile_vectors - 1) / tile_vectors;
    const int64_t down = (layer.rows + most - 1) / most;
    for (int64_t i = 0; to && i < across; ++i)
        for (int64_t j = 0; j < down; ++j) {
            const int64_t panel = i * layer.panels / across, row = j * layer.rows / down;
            *to++ = {operation, panel, (i + 1) * layer.panels / across - panel, row,
                     (j + 1) * layer.rows / down - row};
        }
    return across * down;
}

/// Where a rectangle of weight gradients goes.
template <class T>
struct Rectangle {
    T* at;
    int64_t rows, panels;
    int64_t panel_step;  ///< from one panel to the next
};

/// Equation (7): G[i][unit] = Σ_sample a[i][sample] δ[sample][unit]. `a` is the rectangle's first row
/// in the first strip, `a_strip` the way to the next strip, `delta` its first panel.
template <class T>
void weight_product(const T* a, int64_t a_strip, const T* delta, int64_t delta_panel, const Places& places,
                    const Rectangle<T>& to, bool add) {
    const int64_t bytes = places.inner * to.panels * lanes<T> * int64_t(sizeof(T));
    const int64_t block = block_terms(places.strips, bytes);
    for (int64_t first = 0; first < places.strips; first += block) {
        const bool whole = first + block < places.strips;
        Product<T> p{};
        p.outer = whole ? block : places.strips - first;
        p.inner = places.inner;
        p.last = whole ? places.inner : places.last;
        p.a = a + first * a_strip;
        p.a_outer = a_strip;
        p.b = delta + first * places.inner * lanes<T>;
        p.b_outer = places.inner * lanes<T>;
        p.b_inner = lanes<T>;
        p.b_vector = delta_panel;
        p.c = to.at;
        p.c_row = lanes<T>;
        p.c_vector = to.panel_step;
        p.add = add || first > 0;
        product<Apart<strip<T>>, 1, T>(p, to.rows, to.panels);
    }
}

}  // namespace deltarule::DELTARULE_ISA
