#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "deltarule/arena.hpp"
#include "deltarule/scores.hpp"
#include "deltarule/steps.hpp"
#include "deltarule/stopping.hpp"

namespace deltarule {

/// Rows that are judged after every epoch.
template <class T>
struct Validation {
    Samples<T> samples;
    Score score = Score::minus_loss;
    double middle = 0;  ///< of the class targets
    double n = 1;       ///< Σ w
};

/// Epochs to be run in one call: one slice of a training.
struct EpochPlan {
    Work work;
    int64_t epoch = 0, step = 0;      ///< where the slice begins
    double carried = 0;               ///< Σ w f of that epoch so far
    int64_t steps = 0;                ///< at most so many, of whole epochs where more than one is begun
    int64_t epochs = 0;               ///< at most so many ends of epochs
    const double* factors = nullptr;  ///< `steps` of them, or null
    double n = 1;                     ///< Σ w
    double l1 = 0, l2 = 0;            ///< of the penalty, not divided
    StopRules rules;
    bool judge = true;  ///< ask the rules; else the caller does, after one epoch, from whose end it reports
    Standing standing;
    double slice = 0.025;  ///< seconds after which a slice ends, or with the epoch at hand
    double seconds = 0;    ///< of the training so far
};

/// What a slice has done; `Session::history` has the numbers of its epochs.
struct EpochReport {
    int64_t epochs = 0;  ///< whole ones
    int64_t taken = 0;   ///< steps
    int64_t step = 0;    ///< into the epoch at hand
    double carried = 0;
    Verdict verdict = Verdict::go_on;
    Standing standing;
    bool best = false;  ///< a best score was met, `best()` has its parameters
};

/// One number for every epoch of the last slice. The last two are there with validation only.
struct EpochNumbers {
    std::vector<double> loss, seconds, validation_loss, score;
};

/// Many epochs a call: steps, losses, validation, finite check, stop rules, best so far.
///
/// a) A slice ends by the clock, and the next one goes on from there: no bit depends on where, for
///    steps, losses and rules know the epoch and the step only. It ends inside its first epoch, or at
///    the end of any: then epochs are short.
/// b) Parameters are kept at the first beginning of an epoch in a slice and where the step size
///    changes, not at every epoch. Where numbers become non-finite the slice is run again from there,
///    up to the end of the epoch before (`go_back`). By a) what is kept was kept in the same slice,
///    or is the beginning of the epoch at hand.
/// c) Nothing is allocated but by the first slices, which make room for what they need.
template <class T>
class RunLoop {
public:
    RunLoop(Panels<T>& panels, Watch& watch, Steps<T>& steps, BatchRoad<T>& batches)
        : panels_(panels), watch_(watch), steps_(steps), batch_road_(batches) {}

    /// Names the rows that are judged; their arrays are referred to.
    void judge(const std::optional<Validation<T>>& validation);
    EpochReport run(const EpochPlan& plan, const Samples<T>& samples);
    const EpochNumbers& numbers() const { return numbers_; }

    /// Parameters and moments as they were when the last whole epoch ended. To be called after `run`,
    /// while the factors of its plan are still there.
    void go_back();
    void forget() { kept_epoch_ = -1; }  ///< numbers or rows were set: nothing to go back to
    /// Gives the memory back that is kept for going back: the training is over.
    void release();
    void best(T* vector) const { panels_.canonical(best_, vector); }
    void best_buffers(T* buffers) const { panels_.canonical_buffers(best_, buffers); }

private:
    void prepare();
    void keep(int64_t epoch);
    double penalty() const;
    bool end_epoch();
    bool validate(size_t at);
    double now();

    Panels<T>& panels_;
    Watch& watch_;
    Steps<T>& steps_;
    BatchRoad<T>& batch_road_;
    Samples<T> samples_;
    EpochPlan plan_;
    EpochReport report_;
    EpochNumbers numbers_;
    std::optional<Validation<T>> validation_;
    std::optional<Scorer<T>> scorer_;
    std::vector<T> predictions_;
    std::unique_ptr<Arena> arena_;
    T *kept_ = nullptr, *best_ = nullptr;  ///< weights and moments; weights
    int64_t kept_epoch_ = -1;              ///< the epoch that begins with what is kept
    int64_t kept_taken_ = 0;               ///< steps of the slice before it
    double rate_ = 0;                      ///< step size that factors multiply
    Watch::Clock::time_point began_;
    double clock_ = 0, unread_ = 0;  ///< seconds at the last look, estimated microseconds since
};

}  // namespace deltarule
