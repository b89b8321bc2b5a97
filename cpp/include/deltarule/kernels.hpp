#pragma once
#include "deltarule/plan.hpp"

/// What one instruction set offers: plain functions on plain data, one table per element type.
namespace deltarule {

/// Names of the scratch of the per-sample road: one row, units in lanes, padded with zeros.
template <class T>
struct Trail {
    T** outputs;  ///< a^1 … a^L
    T** slopes;   ///< σ'(z) of the same
    T** deltas;   ///< δ^1 … δ^L
    T* input;     ///< a row of CSR written out
    T* target;
};

/// Steps of one sample each.
template <class T>
struct SampleRun {
    const Network* network;
    const Samples<T>* samples;
    Store<T> store;
    Update<T> update;  ///< without the step size
    Trail<T> trail;
    const int64_t* order;  ///< the row of each step
    const double* rates;   ///< effective step size of each step
    const double* decays;  ///< rate * weight_decay of each step
    int64_t steps;
    double scale;  ///< N/n of equation (9)
    double loss;   ///< in and out: Σ w f
};

/// A rectangle of one weight matrix: what one thread computes at a time.
struct Task {
    int64_t layer;
    int64_t panel, panels;
    int64_t row, rows;
};

/// Up to a chunk of samples through the network, and the gradient over them.
template <class T>
struct Batch {
    const Network* network;
    const Samples<T>* samples;
    Store<T> store;
    Update<T> update;
    const int64_t* order;  ///< null: the rows first, first + 1, …
    int64_t first, count;
    T factor;        ///< of every delta
    bool backward;   ///< deltas are wanted
    bool add;        ///< to the gradient of the chunks before
    bool apply;      ///< update the weights
    T** outputs;     ///< a^0 … a^L in strips [strip][units + 1][samples]
    T** delta_rows;  ///< δ^1 … δ^L, [samples][panels * lanes]
    T* scratch;      ///< `scratch_size` numbers for each worker
    int64_t scratch_size;
    double* losses;  ///< Σ w f of each strip, null: no target
    T* predictions;  ///< (count, outputs), or null
    const Task* tasks;
};

template <class T>
struct Kernels {
    int lanes;
    int strip;  ///< samples of a strip
    /// Does `run.steps` steps; returns those done. Ends early after a loss that is not finite.
    int64_t (*samples)(SampleRun<T>& run);
    /// Forward and, if asked for, backward through all layers for one strip of a `Batch`.
    void (*strip_pass)(void* batch, int worker, int64_t strip);
    /// One task of weight gradient and update.
    void (*weight_pass)(void* batch, int worker, int64_t task);
    /// σ and σ' of `count` numbers, a multiple of `lanes`, in place and into `slope`.
    void (*activate)(Activation kind, T parameter, T* z, T* slope, int64_t count, bool output);
};

enum class Isa : int { plain, v2, v3, v4 };

/// The table of the instruction set in use.
template <class T>
const Kernels<T>& kernels();

/// Chooses the instruction set; the best one that the machine has unless DELTARULE_ISA names one.
/// Throws std::invalid_argument on a name that is unknown or that this machine cannot run.
Isa choose_isa();
Isa current_isa();
void use_isa(Isa isa);
const char* isa_name(Isa isa);
bool isa_available(Isa isa);

}  // namespace deltarule
