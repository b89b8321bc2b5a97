#pragma once
#include <memory>
#include <vector>

#include "deltarule/arena.hpp"
#include "deltarule/panels.hpp"

namespace deltarule {

/// Steps of one row each. Owns the scratch that the kernels work in.
template <class T>
class SampleRoad {
public:
    explicit SampleRoad(Panels<T>& panels);

    /// `count` steps, at most `most_steps()`, over the rows that `order` names; adds Σ w f as met to
    /// `loss`. Returns the steps done: fewer where the loss became non-finite, the bad step included.
    /// `rates` are step sizes before adam's correction, `clock` is adam's t of the first step less one.
    int64_t run(const Samples<T>& samples, const int64_t* order, int64_t count, const double* rates,
                int64_t clock, double l1, double l2, double scale, double& loss);
    static constexpr int64_t most_steps() { return 256; }

private:
    Panels<T>& panels_;
    std::unique_ptr<Arena> scratch_;
    std::vector<T*> pointers_;
    Trail<T> trail_{};
};

}  // namespace deltarule
