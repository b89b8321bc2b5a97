#pragma once
#include <cstdint>
#include <vector>

#include "deltarule/plan.hpp"

/// Scores of predictions against targets, more is better: the built-in ones of the Python side's
/// `scores`. Sums run over the rows in float64, one after the other, so that both have the same bits.
namespace deltarule {

enum class Score : int {
    minus_loss,
    threshold,  ///< accuracy: every output on its target's side of the middle
    largest,    ///< accuracy: the first of the largest outputs has the row's class
    votes,      ///< accuracy: all of the largest outputs share the vote
    r2
};

/// A score, and what it needs to know of the target.
template <class T>
class Scorer {
public:
    Scorer(Score kind, double middle, const Samples<T>& samples, int64_t columns);

    Score kind() const { return kind_; }
    /// NaN where a prediction is not finite. `predictions` has one row of `columns` for each sample.
    double value(const T* predictions);

private:
    double accuracy(const T* predictions) const;
    double right(const T* row, const T* wanted) const;
    double r2(const T* predictions);
    double weight(int64_t row) const { return samples_.weight ? double(samples_.weight[row]) : 1; }

    Score kind_;
    T middle_;
    Samples<T> samples_;
    int64_t columns_;
    double total_weight_ = 0;
    std::vector<double> spread_, left_;  ///< of every column: variance of the target, mean square left
};

}  // namespace deltarule
