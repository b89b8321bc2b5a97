#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "deltarule/kernels.hpp"
#include "deltarule/panels.hpp"
#include "deltarule/random.hpp"
#include "deltarule/stopping.hpp"
#include "deltarule/watch.hpp"

/// Many trainings of one network at once, one in each lane of a vector: the C++ face of the lanes road.
namespace deltarule {

/// What all trainings of a run share.
struct LaneWork {
    OrderKind order = OrderKind::sequential;
    int64_t batch_size = 1;
    Optimizer optimizer = Optimizer::sgd;
    int64_t rows = 0;     ///< of an epoch
    bool has_l1 = false;  ///< some training has; those without are better run without those with
    bool penalised = false;
};

enum class LaneEnd : int { waiting, unfinished, converged, step_too_small, last_epoch, non_finite };

/// One training: what it is given, where it stands, and where its results go.
template <class T>
struct LaneJob {
    T* parameters;          ///< canonical vector, in and out
    T* moments;             ///< row after row, in and out; null where the optimiser has none
    double* losses;         ///< one for every epoch done
    double* seconds;        ///< since the run began, likewise
    const int64_t* rows;    ///< the rows of its fold; null: all
    const double* factors;  ///< of the step size, one for every step of the run; null: all are 1
    uint64_t key;
    OptimizerSettings optimizer;
    StopRules rules;
    double l1, l2;       ///< divided by n
    double scale;        ///< N/n
    double n;            ///< what the sum of the losses is divided by
    int64_t max_epochs;  ///< of this run

    Standing standing;
    int64_t epoch;  ///< epochs done since the start: the order's
    int64_t clock;  ///< steps done since the start: adam's t
    int64_t done;   ///< epochs of this run
    LaneEnd end;
};

template <class T>
class LaneSession {
public:
    LaneSession(std::vector<Layer> layers, Loss loss, double loss_parameter, int threads);
    LaneSession(LaneSession&&) noexcept;
    ~LaneSession();

    int64_t size() const { return network_.size; }  ///< numbers in the canonical vector
    const std::vector<Layer>& layers() const { return layers_; }

    void bind(const Samples<T>& samples) { samples_ = samples; }
    const Samples<T>& bound() const { return samples_; }
    /// As for `Session`. Trainings that are `unfinished` then stand after a whole epoch, those that
    /// are `waiting` at their start.
    void ask_whether_to_end(std::function<bool()> ask) { watch_->ask = std::move(ask); }
    bool ended() const { return watch_->stopped; }

    /// Trains them all. No bit of a training depends on the others or on the number of threads.
    void run(const LaneWork& work, std::vector<LaneJob<T>>& jobs);

private:
    std::vector<Layer> layers_;
    Network network_{};
    int threads_;
    std::unique_ptr<Watch> watch_;
    Samples<T> samples_;
};

}  // namespace deltarule
