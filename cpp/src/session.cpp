#include "deltarule/session.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace deltarule {
namespace {

/// Positions of a rule that are evaluated at a time.
constexpr int64_t order_block = 4096;

}  // namespace

template <class T>
Session<T>::Session(std::vector<Layer> layers, Loss loss, double loss_parameter, int threads)
    : panels_(new Panels<T>(std::move(layers), loss, loss_parameter)),
      watch_(new Watch),
      sample_road_(new SampleRoad<T>(*panels_)),
      batch_road_(new BatchRoad<T>(*panels_, *watch_, threads)) {}

// ------------------------------------------------------------------- the run loop

/// `count` rows from `position` of an epoch on; of a rule at least one block is evaluated and kept.
template <class T>
const int64_t* Session<T>::rows_of(const RunPlan& plan, int64_t epoch, int64_t position, int64_t count) {
    const OrderSource& from = plan.order;
    if (from.array) return from.array + position;
    const bool same =
        tag_.kind == from.kind && tag_.key == from.key && tag_.epoch == epoch && tag_.rows == samples_.rows;
    if (!same || position < tag_.begin || position + count > tag_.end) {
        const bool whole = from.kind == OrderKind::shuffle;
        const int64_t begin = whole ? 0 : position;
        const int64_t end =
            whole ? samples_.rows : std::min(samples_.rows, position + std::max(count, order_block));
        order_.resize(size_t(std::max<int64_t>(end - begin, int64_t(order_.size()))));
        order(from.kind, from.key, uint64_t(epoch), samples_.rows, begin, end - begin, order_.data());
        tag_ = {from.kind, from.key, epoch, samples_.rows, begin, end};
    }
    return order_.data() + (position - tag_.begin);
}

template <class T>
RunReport Session<T>::run(const RunPlan& asked) {
    watch_->begin();
    const int64_t positions = asked.order.array ? asked.order.length : samples_.rows;
    RunReport report{0, {}, true};
    // A batch has no more rows than there are, however large a number says "all".
    RunPlan plan = asked;
    plan.batch_size = std::min(asked.batch_size, positions);
    const int64_t per_epoch = plan.batch_size > 0 ? (positions - 1) / plan.batch_size + 1 : 0;
    while (per_epoch && report.steps < plan.steps && report.finite && !watch_->stopped) {
        const int64_t at = plan.first_step + report.steps;
        const int64_t epoch = at / per_epoch, step = at % per_epoch;
        const int64_t count = std::min(per_epoch - step, plan.steps - report.steps);
        double loss = report.losses.empty() ? plan.carried : 0;
        report.steps += asked.batch_size == 1 ? run_samples(plan, at, epoch, step, count, loss)
                                              : run_batches(plan, at, epoch, step, count, loss);
        report.losses.push_back(loss);
        report.finite = std::isfinite(loss);
    }
    if (report.losses.empty()) report.losses.push_back(plan.carried);
    return report;
}

template <class T>
int64_t Session<T>::run_samples(const RunPlan& plan, int64_t first, int64_t epoch, int64_t step,
                                int64_t count, double& loss) {
    const double cost = std::max(panels_->microseconds(1), 0.05);
    const int64_t block = std::clamp<int64_t>(int64_t(2 * look_every / cost), 1, SampleRoad<T>::most_steps);
    SamplePlan part;
    part.positions = plan.order.array ? plan.order.length : samples_.rows;
    part.l1 = plan.l1;
    part.l2 = plan.l2;
    part.scale = plan.scale;
    int64_t done = 0;
    while (done < count && std::isfinite(loss)) {
        part.position = step + done;
        part.steps = std::min(block, count - done);
        part.order = rows_of(plan, epoch, part.position, part.steps);
        part.rates = plan.rates + (first + done - plan.first_step);
        part.clock = first + done + plan.clock;
        done += sample_road_->run(samples_, part, loss);
        if (watch_->look(cost * double(part.steps))) break;
    }
    return done;
}

template <class T>
int64_t Session<T>::run_batches(const RunPlan& plan, int64_t first, int64_t epoch, int64_t step,
                                int64_t count, double& loss) {
    const int64_t positions = plan.order.array ? plan.order.length : samples_.rows;
    settled();
    forget();
    batch_road_->prepare(plan.batch_size, samples_);
    const double cost = panels_->microseconds(plan.batch_size);
    for (int64_t done = 0; done < count; ++done) {
        const int64_t global = first + done;
        const int64_t begin = (step + done) * plan.batch_size;
        const int64_t rows = std::min(plan.batch_size, positions - begin);
        const Update<T> update =
            panels_->update_of(plan.rates[global - plan.first_step], global + plan.clock, plan.l1, plan.l2);
        const double met =
            batch_road_->step(samples_, rows_of(plan, epoch, begin, rows), rows, update, plan.scale);
        if (watch_->stopped) return done;  // before its weights were touched
        loss += met;
        if (!std::isfinite(loss) || watch_->look(cost)) return done + 1;
    }
    return count;
}

// ------------------------------------------------------------------- many rows, no steps

template <class T>
void Session<T>::predict(const Samples<T>& samples, T* predictions) {
    watch_->begin();
    settled();
    batch_road_->predict(samples, predictions);
}

template <class T>
double Session<T>::loss(const Samples<T>& samples, T* gradient) {
    watch_->begin();
    settled();
    return batch_road_->loss(samples, gradient);
}

template class Session<float>;
template class Session<double>;

}  // namespace deltarule
