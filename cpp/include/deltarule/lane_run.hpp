#pragma once
#include "deltarule/plan.hpp"

/// What the lanes kernels work on: many networks of one kind at once, one in each lane of a vector.
///
/// `lanes` networks are a block; all their numbers lie [number][lane], in the order of the canonical
/// vector. A few vectors are worked on side by side, as columns [number][column][lane]: with one row
/// a step a column is a block, in batches it is one of several rows of the same block. A slot is a
/// lane of a block: `slot = block * lanes + lane`.
namespace deltarule {

/// Side by side at most: enough to hide the latency of an addition, few enough for the registers.
constexpr int most_columns = 4;

/// Scratch of the columns, [unit][column][lane].
template <class T>
struct LaneTrail {
    T** outputs;  ///< a^0 … a^L; a^0 twice, for the rows at hand and the next ones
    T** slopes;   ///< σ'(z) of a^1 …
    T** deltas;   ///< δ^1 … δ^L
    T* target;    ///< twice
    T* weight;    ///< sample weights, twice
};

/// The optimiser's numbers, one for each slot.
template <class T>
struct LaneSettings {
    const T* rates;   ///< step sizes, `rate_stride` numbers from step to step
    const T* decays;  ///< rate * weight_decay, likewise
    const T* first;   ///< momentum, beta_1 or the decay of rmsprop
    const T* second;  ///< beta_2
    const T* epsilon;
    const T* l1;
    const T* l2;
    const T* factor;  ///< of every delta: N/n over the rows of a step
    int64_t rate_stride;
};

template <class T>
struct LaneRun {
    const Network* network;  ///< `offset` of a layer counts numbers of the canonical vector
    const Samples<T>* samples;
    Store<T> store;  ///< at the first block
    int64_t block;   ///< from one block's store to the next one's
    int columns;
    bool abreast;  ///< columns are rows of one block, not blocks
    Optimizer optimizer;
    bool has_l1, has_l2;  ///< some lane has
    LaneSettings<T> numbers;
    LaneTrail<T> trail;
    const int32_t* order;  ///< rows [position][slot], where `shared` [position]
    bool shared;           ///< all lanes take the same rows
    int64_t steps;
    int64_t batch;   ///< rows of each step
    double* losses;  ///< in and out: Σ w f of every column and lane
};

/// What is asked after an epoch.
template <class T>
struct LaneLook {
    const Network* network;
    const T* weights;  ///< of the first block
    int64_t block;
    int blocks;
    T* finite;         ///< of every slot: 0, NaN where a weight is not finite
    double* absolute;  ///< Σ |w| over weights of every slot; null: not asked for
    double* square;    ///< Σ w²
};

template <class T>
struct LaneKernels {
    void (*steps)(const LaneRun<T>& run);
    void (*look)(const LaneLook<T>& look);
};

}  // namespace deltarule
