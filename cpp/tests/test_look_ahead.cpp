#include <algorithm>

#include "check.hpp"
#include "deltarule/meetings.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// Shapes that take each way of the per-sample road: registers, blocks, blocks of many panels.
const std::vector<std::vector<int64_t>> shapes = {{2, 2, 1}, {3, 4, 1},   {4, 16, 3},      {5, 9, 2},
                                                  {3, 4},    {70, 19, 5}, {300, 33, 7, 3}, {9, 40, 2}};
const std::vector<OptimizerSettings> rules = {{Optimizer::sgd},
                                              {Optimizer::momentum, 0.9},
                                              {Optimizer::nesterov, 0.8},
                                              {Optimizer::adam, 0.9, 0.99, 1e-2},
                                              {Optimizer::rmsprop, 0.9, 0, 1e-2}};

/// Where X is not zero: everywhere, in one number of so many, in columns that rows share, nowhere.
enum Pattern { full, one_of_2, one_of_5, few_columns, nothing };

naive::Problem problem_of(const std::vector<int64_t>& units, int64_t rows, Pattern pattern) {
    naive::Problem problem(units, Activation::tanh, Activation::logistic, Loss::squared_error, rows);
    const size_t width = size_t(units.front());
    for (size_t i = 0; i < problem.X.size(); ++i) {
        const size_t mixed = i * 7919 / 13, column = i % width;
        const bool kept[] = {true, mixed % 2 == 0, mixed % 5 == 0, column % 4 == 1 && mixed % 3 != 0, false};
        if (!kept[pattern]) problem.X[i] = 0;
    }
    return problem;
}

/// Steps [first, first + steps) of the same long run.
template <class T>
void go(Session<T>& session, int64_t first, int64_t steps, double l2) {
    const naive::Numbers rates(size_t(steps), 0.05);
    RunPlan plan;
    plan.order.kind = OrderKind::shuffle;
    plan.order.key = 5;
    plan.first_step = first;
    plan.steps = steps;
    plan.rates = rates.data();
    plan.l2 = l2;
    session.run(plan);
}

template <class T>
void check_cuts(const naive::Problem& problem, const OptimizerSettings& rule, double l2) {
    const naive::Typed<T> typed(problem);
    Session<T> whole = naive::open(problem, typed), cut = naive::open(problem, typed);
    whole.set_optimizer(rule);
    cut.set_optimizer(rule);
    go(whole, 0, 47, l2);
    int64_t at = 0;
    for (int64_t steps : {1, 2, 8, 5, 13, 3, 15}) {
        go(cut, at, steps, l2);
        at += steps;
        if (steps != 5) naive::parameters(cut);  // who looks changes nothing
        if (steps == 3) cut.loss(typed.samples);
    }
    CHECK(naive::parameters(cut) == naive::parameters(whole));
}

/// Each row twice in a batch of two is the gradient of the row alone, on the other road.
template <class T>
void check_against_batches(const naive::Problem& problem, const OptimizerSettings& rule, double l2) {
    naive::Problem twice = problem;
    twice.rows *= 2;
    auto doubled = [&](const naive::Numbers& rows, int64_t width) {
        naive::Numbers all;
        for (size_t i = 0; i < rows.size(); i += size_t(width))
            for (int copy = 0; copy < 2; ++copy)
                all.insert(all.end(), rows.begin() + int64_t(i), rows.begin() + int64_t(i) + width);
        return all;
    };
    twice.X = doubled(problem.X, problem.layers.front().inputs);
    twice.D = doubled(problem.D, problem.layers.back().units);
    twice.weight = doubled(problem.weight, 1);
    const naive::Typed<T> single(problem), pairs(twice);
    Session<T> samples = naive::open(problem, single), batches = naive::open(twice, pairs);
    samples.set_optimizer(rule);
    batches.set_optimizer(rule);
    const naive::Numbers rates(size_t(problem.rows), 0.05);
    RunPlan plan;
    plan.rates = rates.data();
    plan.steps = problem.rows;
    plan.l2 = l2;
    samples.run(plan);
    plan.batch_size = 2;
    batches.run(plan);
    const auto found = naive::parameters(samples), wanted = naive::parameters(batches);
    double largest = 0;
    for (T number : wanted) largest = std::max(largest, std::abs(double(number)));
    for (size_t i = 0; i < wanted.size(); ++i)
        CHECK_NEAR(double(found[i]), double(wanted[i]), (sizeof(T) == 4 ? 5e-5 : 1e-12) * largest);
}

template <class T>
struct SparseRows {
    std::vector<T> values;
    std::vector<int32_t> columns, starts = {0};
    Samples<T> samples;

    SparseRows(const naive::Problem& problem, const naive::Typed<T>& typed) : samples(typed.samples) {
        const size_t width = size_t(problem.layers.front().inputs);
        for (size_t i = 0; i < problem.X.size(); ++i) {
            if (problem.X[i] != 0) values.push_back(T(problem.X[i])), columns.push_back(int32_t(i % width));
            if (i % width == width - 1) starts.push_back(int32_t(values.size()));
        }
        samples.dense = nullptr;
        samples.values = values.data();
        samples.columns32 = columns.data();
        samples.starts32 = starts.data();
    }
};

template <class T>
void check_sparse(const naive::Problem& problem, const OptimizerSettings& rule, double l2) {
    const naive::Typed<T> typed(problem);
    const SparseRows<T> rows(problem, typed);
    Session<T> dense = naive::open(problem, typed), sparse = naive::open(problem, typed);
    dense.set_optimizer(rule);
    sparse.set_optimizer(rule);
    sparse.bind(rows.samples);
    go(dense, 0, 50, l2);
    go(sparse, 0, 50, l2);
    CHECK(naive::parameters(sparse) == naive::parameters(dense));
}

}  // namespace

TEST_EACH_ISA("look_ahead", "where a run is cut changes no bit, nor does looking at the weights") {
    for (const auto& units : shapes)
        for (const auto& rule : rules)
            for (double l2 : {0.0, 0.01})
                for (Pattern pattern : {full, one_of_5, few_columns, nothing}) {
                    check_cuts<float>(problem_of(units, 21, pattern), rule, l2);
                    check_cuts<double>(problem_of(units, 21, pattern), rule, l2);
                }
}

TEST_EACH_ISA("look_ahead", "a run of single rows is what the mini-batch road makes of each row twice") {
    for (const auto& units : shapes)
        for (const auto& rule : rules)
            for (double l2 : {0.0, 0.5})
                for (Pattern pattern : {full, one_of_5, few_columns, nothing}) {
                    check_against_batches<float>(problem_of(units, 21, pattern), rule, l2);
                    check_against_batches<double>(problem_of(units, 21, pattern), rule, l2);
                }
}

TEST_EACH_ISA("look_ahead", "rows of CSR give the bits of dense rows") {
    for (const auto& units : shapes)
        for (const auto& rule : rules)
            for (Pattern pattern : {full, one_of_2, one_of_5, few_columns, nothing}) {
                check_sparse<float>(problem_of(units, 21, pattern), rule, 0.01);
                check_sparse<double>(problem_of(units, 21, pattern), rule, 0);
            }
}

TEST("look_ahead", "rows of zeros that meet in the same columns, side by side or far apart") {
    const auto look = [](Pattern pattern, Groups groups) {
        const naive::Problem problem = problem_of({300, 2}, 48, pattern);
        const naive::Typed<float> typed(problem);
        const Meetings dense = meetings(typed.samples, 300, groups),
                       sparse = meetings(SparseRows<float>(problem, typed).samples, 300, groups);
        CHECK(dense.rows == sparse.rows && dense.columns == sparse.columns);
        return dense;
    };
    for (bool apart : {false, true}) {
        const Groups groups{8, 16, apart};
        CHECK(look(full, groups).rows == 8 && look(full, groups).columns == 1);
        CHECK_NEAR(look(few_columns, groups).rows, 16.0 / 3, 0.3);
        CHECK(look(few_columns, groups).columns == 0.25);
        CHECK(look(one_of_5, groups).rows < 2.5);
        CHECK(look(nothing, groups).rows == 0 && look(nothing, groups).columns == 0);
        CHECK(look(full, {49, 16, apart}).rows == 0);  // too few rows to tell
    }
}

TEST_EACH_ISA("look_ahead", "a step size that would turn the weights around") {
    // 1 - rate l2 is negative: the factor of the weights must not be divided by.
    for (const auto& rule : {rules[0], rules[1]})
        for (Pattern pattern : {full, one_of_5, few_columns})
            check_against_batches<double>(problem_of({70, 19, 5}, 9, pattern), rule, 30);
}

TEST_EACH_ISA("look_ahead", "a step size that makes a factor of the weights grow past every number") {
    for (Pattern pattern : {full, one_of_5, few_columns}) {
        naive::Problem problem = problem_of({40, 1}, 400, pattern);
        for (Layer& layer : problem.layers) layer.bias = false;
        std::fill(problem.D.begin(), problem.D.end(), 0.5);
        problem.vector.assign(40, 0);  // where the gradient is nothing
        const naive::Typed<float> typed(problem);
        Session<float> session = naive::open(problem, typed);
        const naive::Numbers rates(400, 1);
        RunPlan plan;
        plan.rates = rates.data();
        plan.steps = 400;
        plan.l2 = 3;
        CHECK(session.run(plan).finite);
        for (float weight : naive::parameters(session)) CHECK(weight == 0);
    }
}

TEST_EACH_ISA("look_ahead", "a row that is not finite leaves the weights before it") {
    for (const auto& units : shapes)
        for (const auto& rule : rules) {
            naive::Problem problem = problem_of(units, 21, full);
            const naive::Typed<double> good(problem);
            problem.X[size_t(12 * units.front())] = std::nan("");
            const naive::Typed<double> bad(problem);
            Session<double> one = naive::open(problem, good), other = naive::open(problem, bad);
            one.set_optimizer(rule);
            other.set_optimizer(rule);
            const naive::Numbers rates(21, 0.05);
            RunPlan plan;
            plan.rates = rates.data();
            plan.steps = 12;
            one.run(plan);
            plan.steps = 21;
            const RunReport report = other.run(plan);
            CHECK(report.steps == 13 && !report.finite);
            CHECK(naive::parameters(other) == naive::parameters(one));
        }
}

TEST_EACH_ISA("look_ahead", "rows so large that their product overflows, under units that do not move") {
    struct Large {
        std::vector<int64_t> units;
        double x, rate;
    };
    for (const Large& each : {Large{shapes[0], 1e25, 0.05}, Large{shapes[1], 1e25, 0.05},
                              Large{shapes[4], 1e25, 0.05}, Large{shapes[0], 1e38, 5}}) {
        naive::Problem problem = problem_of(each.units, 21, full);
        for (Layer& layer : problem.layers) layer.activation = Activation::logistic;
        for (double& x : problem.X) x = (x < 0 ? -1 : 1) * each.x;
        const naive::Typed<float> typed(problem);
        Session<float> session = naive::open(problem, typed);
        const naive::Numbers rates(63, each.rate);
        RunPlan plan;
        plan.order.kind = OrderKind::shuffle;
        plan.steps = 63;
        plan.rates = rates.data();
        CHECK(session.run(plan).finite);
    }
}
