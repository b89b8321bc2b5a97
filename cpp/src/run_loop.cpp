#include "deltarule/run_loop.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace deltarule {
namespace {

/// Estimated microseconds of epochs between two looks at the clock for their history.
constexpr double read_every = 1;

/// Whether all numbers are finite: integers compared, many at a time.
template <class T>
bool all_finite(const T* numbers, int64_t count) {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    constexpr Bits exponent = sizeof(T) == 4 ? Bits(0x7F800000u) : Bits(0x7FF0000000000000u);
    Bits found = 0;
    for (int64_t i = 0; i < count; ++i) {
        Bits bits;
        std::memcpy(&bits, numbers + i, sizeof(T));
        found |= Bits(0) - Bits((bits & exponent) == exponent);
    }
    return !found;
}

/// Σ f(w) over numbers, in a fixed order.
template <class T, class Function>
double sum_of(const T* numbers, int64_t count, Function f) {
    double part[4] = {};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int64_t k = 0; k < 4; ++k) part[k] += f(double(numbers[i + k]));
    for (; i < count; ++i) part[i % 4] += f(double(numbers[i]));
    return (part[0] + part[1]) + (part[2] + part[3]);
}

}  // namespace

template <class T>
void RunLoop<T>::judge(const std::optional<Validation<T>>& validation) {
    validation_ = validation;
    scorer_.reset();
    if (!validation || validation->score == Score::minus_loss) return;
    const int64_t columns = panels_.layers().back().units;
    scorer_.emplace(validation->score, validation->middle, validation->samples, columns);
    predictions_.resize(size_t(validation->samples.rows * columns));
}

/// Makes room for what a slice of this plan needs.
template <class T>
void RunLoop<T>::prepare() {
    steps_.prepare(plan_.work, samples_);
    const size_t epochs = size_t(plan_.epochs);
    for (std::vector<double>* numbers : {&numbers_.loss, &numbers_.seconds})
        if (numbers->size() < epochs) numbers->resize(epochs);
    for (std::vector<double>* numbers : {&numbers_.validation_loss, &numbers_.score})
        if (validation_ && numbers->size() < epochs) numbers->resize(epochs);
    if (kept_epoch_ >= 0) return;
    const int64_t kept = panels_.saved(), best = plan_.rules.by_score ? panels_.network().size : 0;
    arena_ = std::make_unique<Arena>(Arena::need(kept, sizeof(T)) + Arena::need(best, sizeof(T)));
    kept_ = arena_->take<T>(kept);
    best_ = arena_->take<T>(best);
}

template <class T>
EpochReport RunLoop<T>::run(const EpochPlan& plan, const Samples<T>& samples) {
    watch_.begin(plan.slice);
    plan_ = plan;
    samples_ = samples;
    prepare();
    report_ = EpochReport{};
    report_.step = plan.step;
    report_.carried = plan.carried;
    report_.standing = plan.standing;
    began_ = Watch::Clock::now();
    clock_ = plan.seconds;
    unread_ = 0;
    rate_ = plan.rules.rate * plan.standing.rate_factor;
    bool fresh = false;  // whether this slice has kept what a replay begins with
    const int64_t per_epoch = steps_.per_epoch(), rest = per_epoch - plan.step;
    const int64_t most = plan.steps < rest ? plan.steps : plan.steps - (plan.steps - rest) % per_epoch;
    // An epoch whose steps are done may have been left before it was judged.
    while (report_.epochs < plan.epochs && (report_.taken < most || report_.step == per_epoch) &&
           !watch_.paused) {
        const int64_t epoch = plan.epoch + report_.epochs;
        if (!fresh && (report_.step == 0 || kept_epoch_ < 0)) {
            keep(epoch);
            fresh = report_.step == 0;  // a replay begins with an epoch
        }
        const int64_t count = std::min(per_epoch - report_.step, most - report_.taken);
        const int64_t done = steps_.run(epoch, plan.epoch + plan.epochs, report_.step, count,
                                        Rates{plan.factors, rate_}.from(report_.taken), report_.carried);
        report_.step += done;
        report_.taken += done;
        unread_ += steps_.cost() * double(done);
        if (!std::isfinite(report_.carried)) report_.verdict = Verdict::non_finite;
        if (watch_.stopped || report_.verdict != Verdict::go_on) break;
        if (report_.step < per_epoch) continue;
        const double before = report_.standing.rate_factor;
        if (!end_epoch() || report_.verdict != Verdict::go_on) break;
        watch_.may_pause = false;  // within an epoch
        if (report_.standing.rate_factor != before) {
            rate_ = plan.rules.rate * report_.standing.rate_factor;
            fresh = false;
        }
    }
    return report_;
}

/// What stands at the end of an epoch's steps; false where it does not count.
template <class T>
bool RunLoop<T>::end_epoch() {
    steps_.settle();
    const auto at = size_t(report_.epochs);
    const double loss = (report_.carried + penalty()) / plan_.n;
    if (!std::isfinite(loss) || !all_finite(panels_.store().weights, panels_.network().size)) {
        report_.verdict = Verdict::non_finite;
        return false;
    }
    if (!validate(at)) return false;
    numbers_.loss[at] = loss;
    numbers_.seconds[at] = now();
    ++report_.epochs;
    if (!plan_.judge) return true;
    report_.step = 0;
    report_.carried = 0;
    const Noted noted = note(plan_.rules, report_.standing, loss, validation_ ? numbers_.score[at] : 0);
    if (noted.best) {
        std::copy_n(panels_.published(), panels_.network().size, best_);
        report_.best = true;
    }
    if (!noted.improved) report_.verdict = plateau(plan_.rules, report_.standing);
    return true;
}

/// Loss and score of the rows that are judged; false where the call is to end in the middle of it.
template <class T>
bool RunLoop<T>::validate(size_t at) {
    if (!validation_) return true;
    // Rows that take less than a look at the clock count all the same: epochs of a few steps may be
    // nothing else.
    if (watch_.look(std::max(panels_.microseconds(validation_->samples.rows), 1.0))) return false;
    double loss;
    {
        const typename Panels<T>::Swapped swapped(panels_);
        loss = batch_road_.loss(validation_->samples) / validation_->n;
        if (scorer_ && !watch_.stopped) batch_road_.predict(validation_->samples, predictions_.data());
    }
    if (watch_.stopped) return false;
    numbers_.validation_loss[at] = loss;
    numbers_.score[at] = scorer_ ? scorer_->value(predictions_.data()) : -loss;
    return true;
}

/// l1 Σ |w| + (l2 / 2) Σ w², biases left out.
template <class T>
double RunLoop<T>::penalty() const {
    if (plan_.l1 == 0 && plan_.l2 == 0) return 0;
    double size = 0, square = 0;
    const int64_t lanes = panels_.kernels().lanes;
    for (const Layer& layer : panels_.layers())
        for (int64_t panel = 0; panel < layer.panels; ++panel) {
            const T* const weights = panels_.store().weights + layer.offset + panel * layer.rows * lanes;
            const int64_t count = layer.inputs * lanes;
            if (plan_.l1 != 0) size += sum_of(weights, count, [](double w) { return std::abs(w); });
            if (plan_.l2 != 0) square += sum_of(weights, count, [](double w) { return w * w; });
        }
    return plan_.l1 * size + 0.5 * plan_.l2 * square;
}

/// Seconds of the training; where epochs take less than the look itself, those of the last look.
template <class T>
double RunLoop<T>::now() {
    if (unread_ >= read_every || validation_) {
        clock_ = plan_.seconds + std::chrono::duration<double>(Watch::Clock::now() - began_).count();
        unread_ = 0;
    }
    return clock_;
}

template <class T>
void RunLoop<T>::keep(int64_t epoch) {
    steps_.settle();
    panels_.save(kept_);
    kept_epoch_ = epoch;
    kept_taken_ = report_.taken;
}

template <class T>
void RunLoop<T>::go_back() {
    watch_.begin_deaf();  // what stopped the call before says nothing about this one
    if (kept_epoch_ < 0) return;
    steps_.forget();
    panels_.restore(kept_);
    steps_.prepare(plan_.work, samples_);
    const int64_t last = plan_.epoch + report_.epochs, per_epoch = steps_.per_epoch();
    Rates rates = Rates{plan_.factors, rate_}.from(kept_taken_);
    for (int64_t epoch = kept_epoch_; epoch < last; ++epoch, rates = rates.from(per_epoch)) {
        double loss = 0;
        steps_.run(epoch, last, 0, per_epoch, rates, loss);
        steps_.settle();
    }
}

template <class T>
void RunLoop<T>::release() {
    forget();
    arena_.reset();
    kept_ = best_ = nullptr;
}

template class RunLoop<float>;
template class RunLoop<double>;

}  // namespace deltarule
