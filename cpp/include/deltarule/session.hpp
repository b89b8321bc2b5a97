#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "deltarule/batch_road.hpp"
#include "deltarule/run_loop.hpp"
#include "deltarule/sample_road.hpp"
#include "deltarule/steps.hpp"

/// A network with its numbers in the kernels' layout, ready for many runs: the C++ face of the core.
namespace deltarule {

/// Steps, whatever epochs they lie in.
struct RunPlan : Work {
    int64_t first_step = 0;  ///< counted over all epochs
    int64_t steps = 0;
    const double* rates = nullptr;  ///< one per step
    double carried = 0;             ///< Σ w f of the first epoch so far
    double* losses = nullptr;       ///< out: Σ w f of each epoch touched, `epochs_touched` of them
};

struct RunReport {
    int64_t steps;   ///< done, a last one with a bad loss included
    int64_t epochs;  ///< touched, at least 1
    bool finite;
};

template <class T>
class Session {
public:
    /// Without heads one judges all outputs.
    Session(std::vector<Layer> layers, Loss loss, double loss_parameter, int threads,
            std::vector<HeadSettings> heads = {}, PreludeSettings prelude = {});

    int64_t size() const { return panels_->size(); }  ///< numbers in the canonical vector
    const std::vector<Layer>& layers() const { return panels_->layers(); }
    int64_t inputs() const { return inputs_of(panels_->network()); }  ///< of a row
    const OptimizerSettings& optimizer() const { return panels_->optimizer(); }
    /// The numbers where they lie, up to date until the next run.
    const Panels<T>& numbers() const { return settled(); }

    void set_parameters(const T* vector);
    void parameters(T* vector) const { settled().parameters(vector); }
    void set_optimizer(const OptimizerSettings& settings);
    /// Row after row of the optimiser's moments; null means zeros.
    void set_moments(const T* moments);
    void moments(T* moments) const { settled().moments(moments); }
    /// Running means and variances of normalised layers.
    int64_t buffer_size() const { return panels_->buffer_size(); }
    void set_buffers(const T* buffers);
    void buffers(T* buffers) const { panels_->buffers(buffers); }
    /// Whether the average of the weights, where there is one, stands in their place: for looking at
    /// what a training would publish. Runs, and whoever sets numbers, take it back.
    void publish(bool yes);

    void bind(const Samples<T>& samples);
    const Samples<T>& bound() const { return samples_; }

    /// A call that takes long calls `ask` about every 50 ms, on the thread that made it, and ends
    /// early where it returns true. A run then ends after a whole step, which its report counts;
    /// predictions, losses and gradients are unfinished. `ask` must not throw.
    void ask_whether_to_end(std::function<bool()> ask) { watch_->ask = std::move(ask); }
    bool ended() const { return watch_->stopped; }  ///< whether the last call ended early

    /// Does nothing where there is no row; a batch larger than the rows takes all of them.
    RunReport run(const RunPlan& plan);
    /// The same for steps of one row, and writes down what every step met.
    RunReport trace(const RunPlan& plan, const Trace<T>& to);
    /// How many epochs a run over the bound rows touches at most.
    int64_t epochs_touched(const RunPlan& plan) const;

    /// Which way steps of so many rows take.
    Road road(int64_t batch_size, double l1) const {
        if (batch_size != 1 || !panels_->single_rows()) return Road::batches;
        return panels_->kernels().road(panels_->network(), panels_->update_of(0, 0, l1, 0));
    }

    /// Many epochs with all that belongs to a training, see `RunLoop`. At least one row is bound.
    RunLoop<T>& loop() { return *loop_; }
    EpochReport run_epochs(const EpochPlan& plan);

    void predict(const Samples<T>& samples, T* predictions);
    /// Σ w f; with `gradient` also its gradient as a canonical vector.
    double loss(const Samples<T>& samples, T* gradient = nullptr);

private:
    /// The numbers, up to date.
    Panels<T>& settled() const {
        sample_road_->settle();
        return *panels_;
    }
    /// Numbers, rows or rule are others now.
    void forget() {
        sample_road_->forget();
        loop_->forget();
    }

    // Behind pointers, so that a session can move: the parts know where the others live.
    std::unique_ptr<Panels<T>> panels_;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<SampleRoad<T>> sample_road_;
    std::unique_ptr<BatchRoad<T>> batch_road_;
    std::unique_ptr<Steps<T>> steps_;
    std::unique_ptr<RunLoop<T>> loop_;
    Samples<T> samples_;
    bool published_ = false;
};

}  // namespace deltarule
