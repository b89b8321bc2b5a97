#include "deltarule/steps.hpp"

#include <algorithm>
#include <cmath>

namespace deltarule {

template <class T>
void Steps<T>::prepare(const Work& work, const Samples<T>& samples) {
    work_ = work;
    samples_ = samples;
    positions_ = work.order.array ? work.order.length : samples.rows;
    batch_size_ = std::min(work.batch_size, positions_);
    per_epoch_ = batch_size_ > 0 ? (positions_ - 1) / batch_size_ + 1 : 0;
    cost_ = panels_.microseconds(batch_size_);
    if (by_rows()) {
        cost_ = std::max(cost_, 0.05);
        // Whole blocks of the look-ahead, however long they take: a part of one costs as much.
        const int64_t blocks = int64_t(2 * look_every / cost_) / block_samples;
        block_ = std::clamp<int64_t>(blocks * block_samples, block_samples, SampleRoad<T>::most_steps);
    }
}

template <class T>
int64_t Steps<T>::run(int64_t epoch, int64_t last_epoch, int64_t step, int64_t count, const Rates& rates,
                      double& loss) {
    return by_rows() ? run_samples(epoch, last_epoch, step, count, rates, loss)
                     : run_batches(epoch, last_epoch, step, count, rates, loss);
}

template <class T>
int64_t Steps<T>::run_samples(int64_t epoch, int64_t last_epoch, int64_t step, int64_t count,
                              const Rates& rates, double& loss) {
    double own[SampleRoad<T>::most_steps];
    SamplePlan part;
    part.positions = positions_;
    part.rates = own;
    part.l1 = work_.l1;
    part.l2 = work_.l2;
    part.scale = work_.scale;
    int64_t done = 0;
    while (done < count && std::isfinite(loss)) {
        part.position = step + done;
        part.steps = std::min(block_, count - done);
        part.clock = epoch * per_epoch_ + work_.clock + part.position;
        part.order =
            orders_.rows_of(work_.order, samples_.rows, epoch, last_epoch, part.position, part.steps);
        for (int64_t i = 0; i < part.steps; ++i) own[i] = rates[done + i];
        done += sample_road_.run(samples_, part, loss);
        if (watch_.look(cost_ * double(part.steps)) || watch_.to_pause()) break;
    }
    return done;
}

template <class T>
int64_t Steps<T>::run_batches(int64_t epoch, int64_t last_epoch, int64_t step, int64_t count,
                              const Rates& rates, double& loss) {
    const int64_t clock = epoch * per_epoch_ + work_.clock;
    settle();
    sample_road_.forget();
    batch_road_.prepare(batch_size_, samples_);  // others use its buffers between epochs
    for (int64_t done = 0; done < count; ++done) {
        const int64_t begin = (step + done) * batch_size_;
        const int64_t rows = std::min(batch_size_, positions_ - begin);
        const Update<T> update = panels_.update_of(rates[done], clock + step + done, work_.l1, work_.l2);
        const int64_t* const order =
            orders_.rows_of(work_.order, samples_.rows, epoch, last_epoch, begin, rows);
        const double met =
            batch_road_.step(samples_, order, rows, update, work_.scale, work_.key, clock + step + done);
        if (watch_.stopped) return done;  // before its weights were touched
        loss += met;
        if (!std::isfinite(loss) || watch_.look(cost_) || watch_.to_pause()) return done + 1;
    }
    return count;
}

template class Steps<float>;
template class Steps<double>;

}  // namespace deltarule
