#pragma once
#include "deltarule/lane_run.hpp"
#include "deltarule/operations.hpp"
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

/// What a run met on the way, for whoever wants to see it: arrays [layer] → [step][units].
template <class T>
struct Trace {
    T** pre_activations;
    T** outputs;
    T** deltas;  ///< ∂(w f)/∂z with the factor N/n of equation (9)
};

/// Samples of a block of the look-ahead. Blocks begin at multiples of it in an epoch.
constexpr int64_t block_samples = 8;

/// How the numbers of a layer follow from those at the begin of a block, for a rule that is linear
/// in the gradients G_s = δ_s x_sᵀ:  W = w_w W⁰ + w_v V⁰ + Σ w_g[s] G_s, and V, the velocity, alike.
struct Linear {
    double w_w = 1, w_v = 0, v_w = 0, v_v = 1;
    double w_g[block_samples] = {}, v_g[block_samples] = {};
};

/// Some samples that meet the first layer's weights as they were before the first of them.
template <class T>
struct Block {
    T* inputs;      ///< [inputs][block_samples], columns beyond `size` zero
    T* products;    ///< W⁰x of the stored weights, then V⁰x: [2][block_samples][width]
    T* deltas;      ///< δ^1: [block_samples][width]
    T* overlaps;    ///< x_s·x_t: [t][block_samples]
    int32_t* used;  ///< where they are listed, the inputs that are not zero in some sample
    int64_t used_count = 0;
    bool listed = false;
    int64_t rows[block_samples] = {};
    int64_t size = 0;     ///< samples whose inputs are there
    int64_t done = 0;     ///< samples whose deltas are there
    bool sparse = false;  ///< its updates went into the weights at once
    Linear weights, biases;
};

/// The look-ahead of a session. Between two calls a block may be open: then the first layer's weights
/// lack its updates, and all but the biases have to be multiplied by `factor`.
template <class T>
struct Ahead {
    Block<T> blocks[2];
    int now = 0;  ///< which of the two is, or was last, at work
    bool open = false;
    double factor = 1;
    T* scaled;         ///< deltas times their coefficients: [2][block_samples][width]
    int64_t* columns;  ///< where the row of a sparse step is not zero
};

/// Steps of one sample each.
template <class T>
struct SampleRun {
    const Network* network;
    const Samples<T>* samples;
    Store<T> store;
    Update<T> update;  ///< without the step size
    Trail<T> trail;
    Ahead<T>* ahead;
    bool in_blocks;        ///< mostly-zero rows too: they skip zeros together, not one by one
    bool lists;            ///< blocks look for inputs that are not used
    const int64_t* order;  ///< the row of each step
    const double* rates;   ///< effective step size of each step
    const double* decays;  ///< rate * weight_decay of each step
    int64_t steps;
    int64_t position;   ///< of the first step in its epoch
    int64_t positions;  ///< of an epoch
    double scale;       ///< N/n of equation (9)
    double loss;        ///< in and out: Σ w f
    const Trace<T>* trace = nullptr;
    int64_t traced = 0;  ///< row of the trace
};

/// A rectangle of the parameters of one operation: what one thread computes at a time.
struct Task {
    int64_t operation;
    int64_t panel, panels;
    int64_t row, rows;
};

/// Numbers of a strip's list of used columns; used_columns.hpp has its parts.
inline int64_t used_words(int64_t width) { return width / 32 + 1; }
inline int64_t used_size(int64_t width) { return 1 + used_words(width) + width + 1; }

/// Numbers of a piece of the average of the weights.
constexpr int64_t average_piece = 1 << 14;

/// Rows through the network, and the gradient over them.
template <class T>
struct Batch {
    // what is computed
    const Network* network;
    const Operation* operations;
    int64_t operation_count;
    const int64_t* widths;  ///< of the blocks; behind them the widest but the inputs
    const Samples<T>* samples;
    Store<T> store;
    Update<T> update;
    T factor;  ///< of every delta

    // what a training step is for its layers
    bool training = false;  ///< whether units drop out
    bool measure = false;   ///< whether batches are normalised by their own statistics
    uint64_t key = 0, clock = 0;
    T* sums = nullptr;  ///< numbers of the normalisations, `sums_size` for each strip
    int64_t sums_size = 0;
    T* combined = nullptr;  ///< the same of all strips
    int64_t offset = 0;     ///< of the first row in the batch, where that is taken a part at a time

    // which rows
    const int64_t* order;  ///< null: the rows first, first + 1, …
    int64_t first, count;
    int64_t strip_rows;   ///< of each strip but the last
    int64_t task_strips;  ///< strips of one task, or rows of one part

    // what is done with them
    Stage stage;
    bool add;    ///< to the gradient of the rows before
    bool apply;  ///< update the parameters
    const Task* tasks;
    int64_t task_count;

    // where numbers lie
    T* const* values;  ///< of each block: strips [width + 1][samples]
    int32_t* used;     ///< of each strip of inputs: the columns that are not zero
    T* const* deltas;  ///< of each operation with parameters: [panel][places][lanes]
    int64_t places;    ///< samples that a set of deltas has room for
    int64_t set;       ///< which set of strips and deltas; negative: each worker has room for one strip
    T* scratch;        ///< `scratch_size` numbers for each worker, or for each strip
    int64_t scratch_size;
    bool scratch_by_strip;
    T* rectangles;   ///< `rectangle_size` numbers for each worker
    T* gradient;     ///< in panels, as the weights
    T* parts;        ///< a gradient of that size for each part of the rows
    double* losses;  ///< Σ w f of each strip or part, null: no target
    T* predictions;  ///< (count, outputs), or null
};

/// Rows that are predicted, and nothing learned from.
template <class T>
struct Rows {
    const Network* network;
    const T* weights;
    const T* running;  ///< weights again, or those that running means and variances stand with
    const T* inputs;   ///< (count, inputs), as the network sees them
    int64_t count;
    T* scratch;  ///< two rows of `widest` numbers
    int64_t widest;
    T* outputs;  ///< (count, outputs)
};

/// The way that steps take: many rows, or single ones in the manner that network and rule allow.
enum class Road : int { batches, one_pass, look_ahead, registers };

template <class T>
struct Kernels {
    int lanes;
    int strip;           ///< samples of a strip at most
    int rectangle_rows;  ///< of a task at most, unless it says otherwise
    int rectangle_size;  ///< numbers of a task at most
    /// Vectors of samples in each strip but the last, of so many in all.
    int64_t (*strip_vectors)(int64_t vectors);
    /// Cuts the weights of an operation into tasks of at most `rows` rows; returns how many, and writes
    /// them unless `to` is null.
    int64_t (*cut_weights)(const Layer& layer, int64_t operation, int64_t rows, Task* to);
    /// Does `run.steps` steps; returns those done. Ends early after a loss that is not finite.
    int64_t (*samples)(SampleRun<T>& run);
    /// Which way `samples` takes.
    Road (*road)(const Network& network, const Update<T>& update);
    /// Brings the updates of an open block into the weights.
    void (*settle)(SampleRun<T>& run);
    /// Some strips of a `Batch` through a stage.
    void (*strip_pass)(void* batch, int worker, int64_t task);
    /// One task of gradient and update.
    void (*weight_pass)(void* batch, int worker, int64_t task);
    /// One part of the rows, there and back, and its gradient.
    void (*part_pass)(void* batch, int worker, int64_t part);
    /// One task of the sum over parts, and its update.
    void (*sum_pass)(void* batch, int worker, int64_t task);
    /// A whole small step by one thread; returns Σ w f, and updates if that is finite.
    double (*step)(Batch<T>& batch);
    /// What the strips have found about a batch as a whole, between `stage` and the next one.
    void (*combine)(const Batch<T>& batch);
    /// Running statistics of a batch whose strips have been there.
    void (*follow)(const Batch<T>& batch);
    /// Adds the penalty to a task's gradient and writes Σ g² of it to `losses[task]`.
    void (*square_pass)(void* batch, int worker, int64_t task);
    /// Multiplies a task's gradient by `factor` and updates its parameters.
    void (*update_pass)(void* batch, int worker, int64_t task);
    /// One piece of the average of the weights; `factor` is what it takes of them.
    void (*average_pass)(void* batch, int worker, int64_t piece);
    /// σ and σ' of `count` numbers, a multiple of `lanes`, in place and into `slope`.
    void (*activate)(Activation kind, T parameter, T* z, T* slope, int64_t count, bool output);
    /// a^L of rows one by one.
    void (*rows)(const Rows<T>& rows);
    LaneKernels<T> networks;  ///< many networks at once
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
