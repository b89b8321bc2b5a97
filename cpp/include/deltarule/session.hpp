#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "deltarule/arena.hpp"
#include "deltarule/kernels.hpp"
#include "deltarule/random.hpp"
#include "deltarule/threads.hpp"

/// A network with its numbers in the kernels' layout, ready for many runs: the C++ face of the core.
namespace deltarule {

/// Settings of an optimiser, as the Python side names them.
struct OptimizerSettings {
    Optimizer kind = Optimizer::sgd;
    double first = 0;   ///< momentum, beta_1 or the decay of rmsprop
    double second = 0;  ///< beta_2
    double epsilon = 0;
    double weight_decay = 0;
};

/// Moments that an optimiser keeps.
int moment_count(Optimizer kind);

/// Where the rows of a run come from: an array for one epoch, or a rule evaluated by the core.
struct OrderSource {
    const int64_t* array = nullptr;
    int64_t length = 0;  ///< of the array
    OrderKind kind = OrderKind::sequential;
    uint64_t key = 0;
};

struct RunPlan {
    OrderSource order;
    int64_t first_step = 0;  ///< counted over all epochs
    int64_t steps = 0;
    int64_t batch_size = 1;
    const double* rates = nullptr;  ///< one per step
    double l1 = 0, l2 = 0;          ///< divided by n
    double scale = 1;               ///< N/n
    int64_t clock = 0;              ///< what adam's t is ahead of the order's steps
    double carried = 0;             ///< Σ w f of the first epoch so far
};

struct RunReport {
    int64_t steps;               ///< done, a last one with a bad loss included
    std::vector<double> losses;  ///< Σ w f of each epoch touched
    bool finite;
};

template <class T>
class Session {
public:
    Session(std::vector<Layer> layers, Loss loss, double loss_parameter, int threads);
    Session(Session&&) noexcept;
    ~Session();

    int64_t size() const { return parameters_; }  ///< numbers in the canonical vector
    const std::vector<Layer>& layers() const { return layers_; }
    const OptimizerSettings& optimizer() const { return settings_; }

    void set_parameters(const T* vector) { pack(vector, store_.weights); }
    void parameters(T* vector) const { unpack(store_.weights, vector); }
    void set_optimizer(const OptimizerSettings& settings) { settings_ = settings; }
    /// Row after row of the optimiser's moments; null means zeros.
    void set_moments(const T* moments);
    void moments(T* moments) const;

    void bind(const Samples<T>& samples) { samples_ = samples; }
    const Samples<T>& bound() const { return samples_; }

    /// A call that takes long calls `ask` about every 50 ms, on the thread that made it, and ends
    /// early where it returns true. A run then ends after a whole step, which its report counts;
    /// predictions, losses and gradients are unfinished. `ask` must not throw.
    void ask_whether_to_end(std::function<bool()> ask);
    bool ended() const;  ///< whether the last call ended early

    /// Does nothing where there is no row; a batch larger than the rows takes all of them.
    RunReport run(const RunPlan& plan);
    void predict(const Samples<T>& samples, T* predictions);
    /// Σ w f; with `gradient` also its gradient as a canonical vector.
    double loss(const Samples<T>& samples, T* gradient = nullptr);

private:
    struct Chunk;
    struct Watch;

    void pack(const T* vector, T* panels) const;
    void unpack(const T* panels, T* vector) const;
    std::vector<Task> plan_tasks(int64_t first_layer_rows) const;
    void make_trail();
    void make_chunk(int64_t rows, const Samples<T>& samples);
    T* moment(int index) const;
    Update<T> update_of(const RunPlan& plan, double rate, int64_t step) const;
    double rate_of(double rate, int64_t step) const;
    const int64_t* rows_of(const RunPlan& plan, int64_t epoch, int64_t position, int64_t count);
    int64_t run_samples(const RunPlan& plan, int64_t first, int64_t epoch, int64_t step, int64_t count,
                        double& loss);
    int64_t run_batches(const RunPlan& plan, int64_t first, int64_t epoch, int64_t step, int64_t count,
                        double& loss);
    double batch_step(const RunPlan& plan, const int64_t* order, int64_t rows, const Update<T>& update);
    double pass(Batch<T>& batch);
    void run_watched(Batch<T>& batch, int64_t tasks, TaskFunction function, bool may_end);
    double microseconds(int64_t rows) const;
    int team(int64_t rows) const;

    const Kernels<T>& kernels_;
    std::vector<Layer> layers_;
    Network network_;
    int64_t parameters_ = 0;
    int threads_;
    std::vector<Task> tasks_, sparse_tasks_;
    std::unique_ptr<Arena> numbers_, scratch_;
    Store<T> store_{};
    Trail<T> trail_{};
    std::vector<T*> pointers_;
    std::unique_ptr<Chunk> chunk_;
    std::unique_ptr<Watch> watch_;
    OptimizerSettings settings_;
    Samples<T> samples_;
    std::vector<int64_t> order_;  ///< rows of the epoch at hand, or the next ones of it
    struct OrderTag {
        OrderKind kind;
        uint64_t key;
        int64_t epoch, rows, begin, end;
    } tag_{};
};

}  // namespace deltarule
