#include "deltarule/learner.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace deltarule {
namespace {

/// How far the targets behind a softmax may sum up beside 1, as the Python side's losses say.
constexpr double off_one = 1e-5;

/// Copies and scales a row, each number first as one of type `First`; whether all are finite.
template <class First, class T, class S>
bool take(const S* from, int64_t step, const Scaling& by, std::vector<T>& to) {
    T sum = 0;  // of zeros, unless one is not finite
    for (size_t i = 0; i < to.size(); ++i) {
        const First number = First(from[int64_t(i) * step]);
        to[i] = by.scale.empty() ? T(number) : T((double(number) - by.center[i]) / by.scale[i]);
        sum += to[i] * T(0);
    }
    return sum == T(0);
}

}  // namespace

template <class T>
Learner<T>::Learner(Session<T>& session, const EpochPlan& plan, Scaling inputs, Scaling targets)
    : session_(session),
      plan_(plan),
      input_scaling_(std::move(inputs)),
      target_scaling_(std::move(targets)),
      input_(size_t(this->inputs())),
      target_(size_t(outputs())) {
    plan_.step = 0;
    plan_.steps = plan_.epochs = 1;
    plan_.slice = 1e9;  // a step is one slice
    plan_.factors = &factor_;
    bind();
}

template <class T>
Learner<T>::~Learner() {
    if (is_bound()) session_.bind(Samples<T>{});
}

template <class T>
bool Learner<T>::is_bound() const {
    return session_.bound().dense == input_.data();
}

template <class T>
void Learner<T>::bind() {
    Samples<T> row;
    row.dense = input_.data();
    row.target = target_.data();
    row.weight = &weight_;
    row.rows = 1;
    session_.bind(row);
}

template <class T>
template <class S>
bool Learner<T>::set_input(const S* row, int64_t step) {
    return take<T>(row, step, input_scaling_, input_);  // rounded first, as matrices are
}

template <class T>
template <class S>
bool Learner<T>::set_target(const S* row, int64_t step) {
    return take<double>(row, step, target_scaling_, target_) && fits();
}

template <class T>
bool Learner<T>::set_weight(double weight) {
    weight_ = T(weight);
    return weight_ >= 0 && std::isfinite(weight_);
}

template <class T>
void Learner<T>::set_plain(const T* input, const T* target) {
    std::copy_n(input, input_.size(), input_.begin());
    std::copy_n(target, target_.size(), target_.begin());
}

/// Whether the loss is defined for the target.
template <class T>
bool Learner<T>::fits() const {
    const Network& network = session_.numbers().network();
    const auto all = [&](auto fit) { return std::all_of(target_.begin(), target_.end(), fit); };
    switch (network.loss) {
        case Loss::poisson: return all([](T d) { return d >= 0; });
        case Loss::perceptron: return all([](T d) { return std::abs(d) == 1; });
        case Loss::log_loss: {
            if (!all([](T d) { return d >= 0 && d <= 1; })) return false;
            if (network.layers[network.depth - 1].activation != Activation::softmax) return true;
            double sum = 0;
            for (T d : target_) sum += double(d);
            return std::abs(sum - 1) <= off_one;
        }
        default: return true;
    }
}

template <class T>
Stepped Learner<T>::step(double factor) {
    factor_ = factor;
    if (!is_bound()) bind();  // somebody else has used the session
    // As a warm start does: what ended the epoch before does not end the stream.
    EpochPlan plan = plan_;
    if (verdict_ != Verdict::go_on) plan.standing.stalled = 0;
    if (verdict_ == Verdict::step_too_small) plan.standing.rate_factor = 1;
    const EpochReport report = session_.run_epochs(plan);
    if (report.epochs == 0) {
        session_.loop().go_back();
        return report.verdict == Verdict::non_finite ? Stepped::non_finite : Stepped::ended_early;
    }
    ++plan_.epoch;
    plan_.standing = report.standing;
    verdict_ = report.verdict;
    return Stepped::done;
}

template class Learner<float>;
template class Learner<double>;
template bool Learner<float>::set_input<float>(const float*, int64_t);
template bool Learner<float>::set_input<double>(const double*, int64_t);
template bool Learner<double>::set_input<float>(const float*, int64_t);
template bool Learner<double>::set_input<double>(const double*, int64_t);
template bool Learner<float>::set_target<float>(const float*, int64_t);
template bool Learner<float>::set_target<double>(const double*, int64_t);
template bool Learner<double>::set_target<float>(const float*, int64_t);
template bool Learner<double>::set_target<double>(const double*, int64_t);

}  // namespace deltarule
