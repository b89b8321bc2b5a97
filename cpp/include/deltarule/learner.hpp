#pragma once
#include <cstdint>
#include <vector>

#include "deltarule/session.hpp"

/// A stream: rows that come one by one, each an epoch of its own with one step.
namespace deltarule {

/// x ↦ (x - center) / scale, in double; empty: x as it is. One number of each for every column.
struct Scaling {
    std::vector<double> center, scale;
};

/// How a step went. After all but the first, numbers and counters are as they were before it.
enum class Stepped : int { done, non_finite, ended_early };

/// Steps of a session's training, one row each, which lies here: epochs of `RunLoop` with a single row,
/// so that a step has the bits of such an epoch, whatever road the network takes. Nothing is allocated
/// but by the first step.
template <class T>
class Learner {
public:
    /// Binds the session to the row that lies here, as long as it lies here. The plan says where the training
    /// stands; its epochs have one row, its order takes the first.
    Learner(Session<T>& session, const EpochPlan& plan, Scaling inputs, Scaling targets);
    Learner(const Learner&) = delete;  // the session knows where the row lies
    ~Learner();

    int64_t inputs() const { return session_.inputs(); }
    int64_t outputs() const { return session_.layers().back().units; }

    /// The row of the next step, from numbers `step` apart. False where one is not finite as the
    /// network sees it, or where the loss is not defined for it.
    template <class S>
    bool set_input(const S* row, int64_t step);
    template <class S>
    bool set_target(const S* row, int64_t step);
    bool set_weight(double weight);
    /// The same for numbers that are as the network sees them, and were looked at.
    void set_plain(const T* input, const T* target);

    /// One step with the step size times `factor`.
    Stepped step(double factor);
    /// The objective of the last step: w f as met, and the penalty after it.
    double loss() const { return session_.loop().numbers().loss.front(); }

    int64_t epoch() const { return plan_.epoch; }  ///< of the next step
    const Standing& standing() const { return plan_.standing; }
    Verdict verdict() const { return verdict_; }  ///< of the last step

private:
    void bind();
    bool is_bound() const;
    bool fits() const;

    Session<T>& session_;
    EpochPlan plan_;
    Scaling input_scaling_, target_scaling_;
    std::vector<T> input_, target_;
    T weight_ = 1;
    double factor_ = 1;
    Verdict verdict_ = Verdict::go_on;
};

}  // namespace deltarule
