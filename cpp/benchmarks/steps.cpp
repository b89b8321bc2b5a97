// core_benchmarks steps: whole mini-batch steps through a session, in this thread's time.

#include "steps.hpp"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "deltarule/session.hpp"

namespace deltarule::benchmarks {
namespace {

struct Workload {
    const char* name;
    std::vector<int64_t> units;
    Activation hidden, last;
    Loss loss;
    OptimizerSettings optimizer;
    int64_t rows, batch;
};

constexpr OptimizerSettings adam{Optimizer::adam, 0.9, 0.999, 1e-8, 0},
    nesterov{Optimizer::nesterov, 0.9, 0, 0, 0};

const Workload workloads[] = {
    {"H6a 20-32-32-2",
     {20, 32, 32, 2},
     Activation::relu,
     Activation::softmax,
     Loss::log_loss,
     adam,
     1024,
     32},
    {"4-32-32-4",
     {4, 32, 32, 4},
     Activation::tanh,
     Activation::identity,
     Loss::squared_error,
     adam,
     1024,
     32},
    {"H6b 64-100-10", {64, 100, 10}, Activation::relu, Activation::softmax, Loss::log_loss, adam, 1800, 200},
    {"H6c 20-256-256-256-2",
     {20, 256, 256, 256, 2},
     Activation::relu,
     Activation::softmax,
     Loss::log_loss,
     adam,
     2048,
     256},
    {"H6d 784-512-512-10",
     {784, 512, 512, 10},
     Activation::relu,
     Activation::softmax,
     Loss::log_loss,
     adam,
     2048,
     128},
    {"H1 4-32-16-4",
     {4, 32, 16, 4},
     Activation::tanh,
     Activation::identity,
     Loss::squared_error,
     adam,
     10000,
     10000},
    {"H3 784-100-100-10",
     {784, 100, 100, 10},
     Activation::relu,
     Activation::softmax,
     Loss::log_loss,
     nesterov,
     2000,
     200},
};

double now(clockid_t clock) {
    timespec at;
    clock_gettime(clock, &at);
    return double(at.tv_sec) * 1e6 + double(at.tv_nsec) / 1e3;
}

/// What stands behind the hidden layers, or changes what the optimiser does.
struct Option {
    const char* name;
    Normalization normalization = Normalization::none;
    double rate = 0;       ///< of dropout
    double clip_norm = 0;  ///< 0: none
    double average = -1;   ///< negative: none
    bool scales = false;   ///< the inputs
    int64_t columns = 0;   ///< at most so many inputs are embedded, by 16 cosines as 3 numbers
};

constexpr Option plain{"plain"};
constexpr Option options[] = {{"dropout 0.2", Normalization::none, 0.2},
                              {"batch normalisation", Normalization::batch},
                              {"layer normalisation", Normalization::layer},
                              {"clip_norm", Normalization::none, 0, 1},
                              {"average", Normalization::none, 0, 0, 0.99},
                              {"scaling", Normalization::none, 0, 0, -1, true},
                              {"16 columns embedded", Normalization::none, 0, 0, -1, false, 16}};

/// Steps of one workload, as many at a time as take about a millisecond.
template <class T>
class Steps {
public:
    Steps(const Workload& work, const Option& option, int threads)
        : layers_(layers_of(work, option)),
          session_(layers_, work.loss, 0, threads, {}, prelude_of(work, option)),
          clock_(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC) {
        std::mt19937 source(1);
        std::normal_distribution<float> normal;
        X_.resize(size_t(work.rows * work.units.front()));
        D_.resize(size_t(work.rows * work.units.back()));
        std::vector<T> vector(size_t(session_.size()), T(1));  // the gains
        for (T& x : X_) x = T(normal(source));
        for (size_t i = 0; i < D_.size(); ++i)
            D_[i] = work.loss == Loss::log_loss ? T(i % size_t(work.units.back()) == 0) : T(normal(source));
        for (T& w : vector)
            if (option.normalization == Normalization::none) w = T(0.05f * normal(source));
            else w += T(0.05f * normal(source));
        Samples<T> samples;
        samples.dense = X_.data();
        samples.target = D_.data();
        samples.rows = work.rows;
        OptimizerSettings settings = work.optimizer;
        settings.clip_norm = option.clip_norm;
        settings.averages = option.average >= 0;
        settings.average = option.average;
        session_.set_parameters(vector.data());
        session_.set_optimizer(settings);
        session_.set_moments(nullptr);
        session_.bind(samples);
        plan_.order.kind = OrderKind::shuffle;
        plan_.batch_size = work.batch;
        steps_ = std::max<int64_t>(1, int64_t(1000 / round()));
    }

    /// Microseconds of a step.
    double round() {
        const std::vector<double> rates(size_t(steps_), 1e-3);
        plan_.rates = rates.data();
        plan_.steps = steps_;
        const double begin = now(clock_);
        session_.run(plan_);
        return (now(clock_) - begin) / double(steps_);
    }

private:
    static PreludeSettings prelude_of(const Workload& work, const Option& option) {
        PreludeSettings prelude{work.units.front(), {}, 16, 3};
        for (int64_t i = 0; i < std::min(option.columns, work.units.front()); ++i)
            prelude.columns.push_back(i);
        prelude.scales = option.scales;
        return prelude;
    }

    static std::vector<Layer> layers_of(const Workload& work, const Option& option) {
        std::vector<Layer> layers;
        for (size_t l = 0; l + 1 < work.units.size(); ++l) {
            const bool hidden = l + 2 < work.units.size();
            layers.push_back(
                {work.units[l], work.units[l + 1], hidden ? work.hidden : work.last, 0, true, 0, 0, 0});
            if (l == 0) layers.back().inputs += 3 * std::min(option.columns, work.units.front());
            if (!hidden) continue;
            layers.back().normalization = option.normalization;
            layers.back().epsilon = 1e-5;
            layers.back().momentum = 0.1;
            layers.back().keep = int64_t((1 - option.rate) * 65536);
            layers.back().dropout = int64_t(l);
        }
        return layers;
    }

    std::vector<T> X_, D_;
    std::vector<Layer> layers_;
    Session<T> session_;
    clockid_t clock_;
    RunPlan plan_;
    int64_t steps_ = 1;
};

template <class T>
double microseconds(const Workload& work, int threads) {
    Steps<T> steps(work, plain, threads);
    double best = 1e300;
    for (int round = 0; round < 80; ++round) best = std::min(best, steps.round());
    return best;
}

/// The time of a step with the option, divided by that of one without: the median of turns.
double cost(const Workload& work, const Option& option) {
    Steps<float> without(work, plain, 1), with(work, option, 1);
    std::vector<double> ratios;
    for (int round = 0; round < 41; ++round) {
        const double base = without.round();
        ratios.push_back(with.round() / base);
    }
    std::nth_element(ratios.begin(), ratios.begin() + 20, ratios.end());
    return ratios[20];
}

}  // namespace

void print_steps(const char* part_of_name) {
    std::printf("{\"isa\": \"%s\", \"rows\": [", isa_name(current_isa()));
    const char* between = "\n";
    for (const Workload& work : workloads) {
        if (!std::strstr(work.name, part_of_name)) continue;
        std::printf("%s  {\"workload\": \"%s\", \"batch\": %lld", between, work.name, (long long)work.batch);
        std::printf(", \"float32\": %.2f", microseconds<float>(work, 1));
        std::printf(", \"float32_2\": %.2f", microseconds<float>(work, 2));
        std::printf(", \"float64\": %.2f}", microseconds<double>(work, 1));
        between = ",\n";
    }
    std::printf("\n]}\n");
}

void print_options(const char* part_of_name) {
    std::printf("{\"isa\": \"%s\", \"rows\": [", isa_name(current_isa()));
    const char* between = "\n";
    for (const Workload& work : workloads) {
        if (!std::strstr(work.name, part_of_name)) continue;
        std::printf("%s  {\"workload\": \"%s\"", between, work.name);
        std::printf(", \"plain\": %.2f", microseconds<float>(work, 1));
        for (const Option& option : options) std::printf(", \"%s\": %.3f", option.name, cost(work, option));
        std::printf("}");
        between = ",\n";
    }
    std::printf("\n]}\n");
}

}  // namespace deltarule::benchmarks
