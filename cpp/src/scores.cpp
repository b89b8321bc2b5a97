#include "deltarule/scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace deltarule {

template <class T>
Scorer<T>::Scorer(Score kind, double middle, const Samples<T>& samples, int64_t columns)
    : kind_(kind), middle_(T(middle)), samples_(samples), columns_(columns) {
    for (int64_t row = 0; row < samples.rows; ++row) total_weight_ += weight(row);
    if (kind != Score::r2) return;
    std::vector<double> mean(size_t(columns), 0.0);
    spread_.resize(size_t(columns), 0.0);
    left_.resize(size_t(columns), 0.0);
    for (int64_t row = 0; row < samples.rows; ++row)
        for (int64_t k = 0; k < columns; ++k)
            mean[size_t(k)] += weight(row) * double(samples.target[row * columns + k]);
    for (double& entry : mean) entry /= total_weight_;
    for (int64_t row = 0; row < samples.rows; ++row)
        for (int64_t k = 0; k < columns; ++k) {
            const double off = double(samples.target[row * columns + k]) - mean[size_t(k)];
            const double square = off * off;
            spread_[size_t(k)] += weight(row) * square;
        }
    for (double& entry : spread_) entry /= total_weight_;
}

template <class T>
double Scorer<T>::value(const T* predictions) {
    for (int64_t i = 0; i < samples_.rows * columns_; ++i)
        if (!std::isfinite(predictions[i])) return std::numeric_limits<double>::quiet_NaN();
    return kind_ == Score::r2 ? r2(predictions) : accuracy(predictions);
}

template <class T>
double Scorer<T>::accuracy(const T* predictions) const {
    double sum = 0;
    for (int64_t row = 0; row < samples_.rows; ++row) {
        const int64_t at = row * columns_;
        const double share = weight(row) * right(predictions + at, samples_.target + at);
        sum += share;
    }
    return sum / total_weight_;
}

/// How right a row is, 0 to 1.
template <class T>
double Scorer<T>::right(const T* row, const T* wanted) const {
    if (kind_ == Score::threshold) {
        for (int64_t k = 0; k < columns_; ++k)
            if ((row[k] > middle_) != (wanted[k] > middle_)) return 0;
        return 1;
    }
    const T* const top = std::max_element(row, row + columns_);
    if (kind_ == Score::largest) return wanted[top - row] > middle_;
    bool among = false;
    int64_t voters = 0;
    for (int64_t k = 0; k < columns_; ++k) {
        if (row[k] != *top) continue;
        ++voters;
        among = among || wanted[k] > middle_;
    }
    return among ? 1 / double(voters) : 0;
}

template <class T>
double Scorer<T>::r2(const T* predictions) {
    std::fill(left_.begin(), left_.end(), 0.0);
    for (int64_t row = 0; row < samples_.rows; ++row)
        for (int64_t k = 0; k < columns_; ++k) {
            const int64_t at = row * columns_ + k;
            const double off = double(predictions[at]) - double(samples_.target[at]);
            const double square = off * off;
            left_[size_t(k)] += weight(row) * square;
        }
    double sum = 0;
    for (size_t k = 0; k < left_.size(); ++k) {
        const double left = left_[k] / total_weight_;
        sum += spread_[k] == 0 ? double(left == 0) : 1 - left / spread_[k];
    }
    return sum / double(columns_);
}

template class Scorer<float>;
template class Scorer<double>;

}  // namespace deltarule
