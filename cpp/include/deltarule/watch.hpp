#pragma once
#include <atomic>
#include <chrono>
#include <functional>

namespace deltarule {

/// Estimated microseconds between two looks at the clock; the estimate is of a fast machine, so the
/// time between looks is longer.
constexpr double look_every = 1000;

/// Whether a long call is to end early. Asked by the calling thread alone, seen by its helpers.
class Watch {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr auto ask_every = std::chrono::milliseconds(50);

    std::function<bool()> ask;
    std::atomic<bool> stopped = false;

    void begin() {
        stopped = false;
        due_ = Clock::now() + ask_every;
        spent_ = 0;
    }
    /// To be told the estimated microseconds of the work since the last look.
    bool look(double microseconds) {
        spent_ += microseconds;
        if (spent_ < look_every || stopped || !ask) return stopped;
        spent_ = 0;
        if (Clock::now() < due_) return false;
        stopped = ask();
        due_ = Clock::now() + ask_every;
        return stopped;
    }

private:
    Clock::time_point due_;
    double spent_ = 0;
};

}  // namespace deltarule
