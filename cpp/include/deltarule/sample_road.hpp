#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "deltarule/arena.hpp"
#include "deltarule/meetings.hpp"
#include "deltarule/panels.hpp"

namespace deltarule {

/// Where a run of single rows stands, and by which numbers it goes.
struct SamplePlan {
    const int64_t* order = nullptr;  ///< the row of each step
    int64_t steps = 0;
    int64_t position = 0;           ///< of the first step in its epoch
    int64_t positions = 0;          ///< of the epoch
    const double* rates = nullptr;  ///< step sizes before adam's correction
    int64_t clock = 0;              ///< adam's t of the first step, less one
    double l1 = 0, l2 = 0;          ///< divided by n
    double scale = 1;               ///< N/n
};

/// Steps of one row each. Owns the scratch that the kernels work in.
template <class T>
class SampleRoad {
public:
    static constexpr int64_t most_steps = 256;

    explicit SampleRoad(Panels<T>& panels);

    /// At most `most_steps` steps within one epoch; adds Σ w f as met to `loss`. Returns the steps done:
    /// fewer where the loss became non-finite, the bad step included.
    int64_t run(const Samples<T>& samples, const SamplePlan& plan, double& loss);
    /// Steps from now on write what they meet to the rows of `trace`, one after the other; null: no more.
    void record(const Trace<T>* trace) { trace_ = trace, traced_ = 0; }

    /// Brings the weights up to date, which a run may leave some steps behind. A run that goes on where
    /// the last one ended does so from what was there before, so that looking changes no bit.
    void settle();
    /// Forgets what the last run left behind: weights, rows or rule are others now.
    void forget();
    /// The rows are others now.
    void forget_rows() { meetings_.reset(); }

private:
    SampleRun<T> run_of(const SamplePlan& plan);
    void go_on(const SamplePlan& plan);
    /// Copies the first layer's weights and moments out or in.
    void keep(bool out);

    Panels<T>& panels_;
    std::unique_ptr<Arena> scratch_;
    std::vector<T*> pointers_;
    Trail<T> trail_{};
    Ahead<T> ahead_{};
    const Trace<T>* trace_ = nullptr;
    int64_t traced_ = 0;
    std::optional<Meetings> meetings_;  ///< once a run asked
    SamplePlan last_;                   ///< the run before, its position where it ended
    bool settled_ = false;
    std::vector<T> kept_;  ///< of the first layer, from before it was settled
    Ahead<T> kept_ahead_{};
};

}  // namespace deltarule
