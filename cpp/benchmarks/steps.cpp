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

template <class T>
double microseconds(const Workload& work, int threads) {
    std::mt19937 source(1);
    std::normal_distribution<float> normal;
    std::vector<Layer> layers;
    int64_t size = 0;
    for (size_t l = 0; l + 1 < work.units.size(); ++l) {
        const Activation kind = l + 2 < work.units.size() ? work.hidden : work.last;
        layers.push_back({work.units[l], work.units[l + 1], kind, 0, true, 0, 0, 0});
        size += (work.units[l] + 1) * work.units[l + 1];
    }
    std::vector<T> X(size_t(work.rows * work.units.front())), D(size_t(work.rows * work.units.back())),
        vector(static_cast<size_t>(size));
    for (T& x : X) x = T(normal(source));
    for (size_t i = 0; i < D.size(); ++i)
        D[i] = work.loss == Loss::log_loss ? T(i % size_t(work.units.back()) == 0) : T(normal(source));
    for (T& w : vector) w = T(0.05f * normal(source));
    Samples<T> samples;
    samples.dense = X.data();
    samples.target = D.data();
    samples.rows = work.rows;
    Session<T> session(layers, work.loss, 0, threads);
    session.set_parameters(vector.data());
    session.set_optimizer(work.optimizer);
    session.bind(samples);
    RunPlan plan;
    plan.order.kind = OrderKind::shuffle;
    plan.batch_size = work.batch;
    double best = 1e300, first = 0;
    int64_t steps = 1;
    const clockid_t clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    for (int round = 0; round < 80; ++round) {
        const std::vector<double> rates(size_t(steps), 1e-3);
        plan.rates = rates.data();
        plan.steps = steps;
        const double begin = now(clock);
        session.run(plan);
        const double spent = (now(clock) - begin) / double(steps);
        if (round) best = std::min(best, spent);
        else first = spent;
        steps = std::max<int64_t>(1, int64_t(1000 / first));
    }
    return best;
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

}  // namespace deltarule::benchmarks
