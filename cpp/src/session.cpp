#include "deltarule/session.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace deltarule {

template <class T>
Session<T>::Session(std::vector<Layer> layers, Loss loss, double loss_parameter, int threads,
                    std::vector<HeadSettings> heads, PreludeSettings prelude)
    : panels_(new Panels<T>(std::move(layers), loss, loss_parameter, std::move(heads), std::move(prelude))),
      watch_(new Watch),
      sample_road_(new SampleRoad<T>(*panels_)),
      batch_road_(new BatchRoad<T>(*panels_, *watch_, threads)),
      steps_(new Steps<T>(*panels_, *watch_, *sample_road_, *batch_road_)),
      loop_(new RunLoop<T>(*panels_, *watch_, *steps_, *batch_road_)) {}

template <class T>
void Session<T>::set_parameters(const T* vector) {
    publish(false);
    settled().set_parameters(vector);
    forget();
}

template <class T>
void Session<T>::set_optimizer(const OptimizerSettings& settings) {
    publish(false);
    settled().set_optimizer(settings);
    forget();
}

template <class T>
void Session<T>::set_moments(const T* moments) {
    publish(false);
    settled().set_moments(moments);
    forget();
}

template <class T>
void Session<T>::set_buffers(const T* buffers) {
    settled().set_buffers(buffers);
    forget();
}

template <class T>
void Session<T>::publish(bool yes) {
    if (yes != published_) settled().swap_average();
    published_ = yes;
}

template <class T>
void Session<T>::bind(const Samples<T>& samples) {
    settled();
    forget();
    sample_road_->forget_rows();
    samples_ = samples;
}

template <class T>
int64_t Session<T>::epochs_touched(const RunPlan& plan) const {
    const int64_t positions = plan.order.array ? plan.order.length : samples_.rows;
    const int64_t batch = std::min(plan.batch_size, positions);
    if (batch < 1 || plan.steps < 1) return 1;
    const int64_t per_epoch = (positions - 1) / batch + 1;
    return (plan.first_step % per_epoch + plan.steps - 1) / per_epoch + 1;
}

template <class T>
RunReport Session<T>::run(const RunPlan& plan) {
    publish(false);
    watch_->begin();
    steps_->prepare(plan, samples_);
    RunReport report{0, 0, true};
    double loss = plan.carried;
    const int64_t per_epoch = steps_->per_epoch();
    const Rates rates{plan.rates};
    while (per_epoch && report.steps < plan.steps && report.finite && !watch_->stopped) {
        const int64_t at = plan.first_step + report.steps;
        const int64_t epoch = at / per_epoch, step = at % per_epoch;
        const int64_t last = (plan.first_step + plan.steps - 1) / per_epoch + 1;
        const int64_t count = std::min(per_epoch - step, plan.steps - report.steps);
        if (report.epochs) loss = 0;
        report.steps += steps_->run(epoch, last, step, count, rates.from(report.steps), loss);
        if (plan.losses) plan.losses[report.epochs] = loss;
        ++report.epochs;
        report.finite = std::isfinite(loss);
    }
    if (report.epochs) return report;
    if (plan.losses) *plan.losses = loss;
    return {0, 1, true};
}

template <class T>
EpochReport Session<T>::run_epochs(const EpochPlan& plan) {
    publish(false);
    return loop_->run(plan, samples_);
}

template <class T>
RunReport Session<T>::trace(const RunPlan& plan, const Trace<T>& to) {
    sample_road_->record(&to);
    const RunReport report = run(plan);
    sample_road_->record(nullptr);
    return report;
}

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
