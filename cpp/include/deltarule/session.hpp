#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "deltarule/batch_road.hpp"
#include "deltarule/random.hpp"
#include "deltarule/sample_road.hpp"

/// A network with its numbers in the kernels' layout, ready for many runs: the C++ face of the core.
namespace deltarule {

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

    int64_t size() const { return panels_->size(); }  ///< numbers in the canonical vector
    const std::vector<Layer>& layers() const { return panels_->layers(); }
    const OptimizerSettings& optimizer() const { return panels_->optimizer(); }

    void set_parameters(const T* vector) { settled().set_parameters(vector), forget(); }
    void parameters(T* vector) const { settled().parameters(vector); }
    void set_optimizer(const OptimizerSettings& settings) { settled().set_optimizer(settings), forget(); }
    /// Row after row of the optimiser's moments; null means zeros.
    void set_moments(const T* moments) { settled().set_moments(moments), forget(); }
    void moments(T* moments) const { settled().moments(moments); }

    void bind(const Samples<T>& samples) {
        settled();
        forget();
        samples_ = samples;
    }
    const Samples<T>& bound() const { return samples_; }

    /// A call that takes long calls `ask` about every 50 ms, on the thread that made it, and ends
    /// early where it returns true. A run then ends after a whole step, which its report counts;
    /// predictions, losses and gradients are unfinished. `ask` must not throw.
    void ask_whether_to_end(std::function<bool()> ask) { watch_->ask = std::move(ask); }
    bool ended() const { return watch_->stopped; }  ///< whether the last call ended early

    /// Does nothing where there is no row; a batch larger than the rows takes all of them.
    RunReport run(const RunPlan& plan);
    void predict(const Samples<T>& samples, T* predictions);
    /// Σ w f; with `gradient` also its gradient as a canonical vector.
    double loss(const Samples<T>& samples, T* gradient = nullptr);

private:
    /// The numbers, up to date.
    Panels<T>& settled() const {
        sample_road_->settle();
        return *panels_;
    }
    void forget() { sample_road_->forget(); }
    const int64_t* rows_of(const RunPlan& plan, int64_t epoch, int64_t position, int64_t count);
    int64_t run_samples(const RunPlan& plan, int64_t first, int64_t epoch, int64_t step, int64_t count,
                        double& loss);
    int64_t run_batches(const RunPlan& plan, int64_t first, int64_t epoch, int64_t step, int64_t count,
                        double& loss);

    // Behind pointers, so that a session can move: the roads know where the others live.
    std::unique_ptr<Panels<T>> panels_;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<SampleRoad<T>> sample_road_;
    std::unique_ptr<BatchRoad<T>> batch_road_;
    Samples<T> samples_;
    std::vector<int64_t> order_;  ///< rows of the epoch at hand, or the next ones of it
    struct OrderTag {
        OrderKind kind;
        uint64_t key;
        int64_t epoch, rows, begin, end;
    } tag_{};
};

}  // namespace deltarule
