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
    bool paused = false;    ///< the time of a slice is over
    bool may_pause = true;  ///< in the middle of an epoch

    /// Begins a call; a slice of one that goes on later takes about `slice` seconds.
    void begin(double slice = 1e9) {
        stopped = paused = false;
        may_pause = hearing_ = true;
        const Clock::time_point now = Clock::now();
        due_ = now + ask_every;
        slice_end_ = now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(slice));
        spent_ = 0;
    }
    bool to_pause() const { return paused && may_pause; }
    /// Begins a call that is short and must not end early.
    void begin_deaf() {
        begin();
        hearing_ = false;
    }
    /// To be told the estimated microseconds of the work since the last look.
    bool look(double microseconds) {
        spent_ += microseconds;
        if (spent_ < look_every || stopped) return stopped;
        spent_ = 0;
        const Clock::time_point now = Clock::now();
        paused = now >= slice_end_;
        if (!ask || !hearing_ || now < due_) return false;
        stopped = ask();
        due_ = Clock::now() + ask_every;
        return stopped;
    }

private:
    Clock::time_point due_, slice_end_;
    double spent_ = 0;
    bool hearing_ = true;
};

}  // namespace deltarule
