#pragma once
#include <cstdint>

#include "deltarule/batch_road.hpp"
#include "deltarule/orders.hpp"
#include "deltarule/sample_road.hpp"

namespace deltarule {

/// Steps inside one epoch, on the road that the batch size asks for.
template <class T>
class Steps {
public:
    Steps(Panels<T>& panels, Watch& watch, SampleRoad<T>& samples, BatchRoad<T>& batches)
        : panels_(panels), watch_(watch), sample_road_(samples), batch_road_(batches) {}

    /// Makes what runs of this work need. No batch has more rows than there are.
    void prepare(const Work& work, const Samples<T>& samples);
    int64_t per_epoch() const { return per_epoch_; }  ///< 0 where there is no row
    double cost() const { return cost_; }             ///< of a step at least, in microseconds

    /// `count` steps from `step` of an epoch on; adds Σ w f as met to `loss`. The epochs before
    /// `last_epoch` are known to follow. Returns the steps done:
    /// fewer where the loss became non-finite, the bad step included, and where the watch said so.
    int64_t run(int64_t epoch, int64_t last_epoch, int64_t step, int64_t count, const Rates& rates,
                double& loss);

    /// Brings the weights up to date, which steps of one row may leave behind.
    void settle() { sample_road_.settle(); }
    void forget() { sample_road_.forget(); }

private:
    bool by_rows() const { return work_.batch_size == 1 && panels_.single_rows(); }
    int64_t run_samples(int64_t epoch, int64_t last_epoch, int64_t step, int64_t count, const Rates& rates,
                        double& loss);
    int64_t run_batches(int64_t epoch, int64_t last_epoch, int64_t step, int64_t count, const Rates& rates,
                        double& loss);

    Panels<T>& panels_;
    Watch& watch_;
    SampleRoad<T>& sample_road_;
    BatchRoad<T>& batch_road_;
    Orders orders_;
    Work work_;
    Samples<T> samples_;
    int64_t positions_ = 0, batch_size_ = 1, per_epoch_ = 0;
    int64_t block_ = 1;  ///< steps between two looks at the watch
    double cost_ = 0;
};

}  // namespace deltarule
