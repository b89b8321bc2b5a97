#include <thread>

#include "check.hpp"
#include "naive_kinds.hpp"

using namespace deltarule;

namespace {

constexpr Normalization kinds[] = {Normalization::none, Normalization::batch, Normalization::layer};

naive::Kinds problem_of(Normalization kind, Activation activation, double rate, int64_t rows,
                        bool many = true) {
    const std::vector<HeadSettings> one{{0, 9, Loss::log_loss, {0}, 1, Activation::softmax, 0}};
    return {naive::two_hidden(kind, activation, rate, 9), many ? naive::three_heads() : one, rows};
}

/// The gradient that a step over all rows goes along: its difference at a step size of one.
template <class T>
naive::Numbers gradient_of(const naive::Kinds& problem, int threads = 1) {
    const naive::TypedKinds<T> typed(problem);
    Session<T> session = naive::open(problem, typed, threads);
    naive::steps(session, problem, 1, problem.rows, 1);
    const auto after = naive::parameters(session);
    naive::Numbers gradient;
    for (size_t i = 0; i < after.size(); ++i)
        gradient.push_back((double(typed.vector[i]) - double(after[i])) * double(problem.rows));
    return gradient;
}

/// Along random directions, and of few rows along every axis.
void check_gradient(const naive::Kinds& problem) {
    const naive::Numbers gradient = gradient_of<double>(problem);
    const size_t size = gradient.size();
    std::mt19937 source(3);
    std::normal_distribution<double> normal;
    const size_t axes = problem.rows < 10 ? size : 0, random = problem.rows < 100 ? 10 : 3;
    for (size_t turn = 0; turn < axes + random; ++turn) {
        naive::Numbers up = problem.vector, down = up;
        double wanted = 0;
        for (size_t i = 0; i < size; ++i) {
            const double move = turn < axes ? double(i == turn) : normal(source);
            up[i] += 1e-6 * move;
            down[i] -= 1e-6 * move;
            wanted += gradient[i] * move;
        }
        CHECK_NEAR((problem.loss(up) - problem.loss(down)) / 2e-6, wanted,
                   2e-6 * (std::abs(wanted) + double(problem.rows)));
    }
}

}  // namespace

TEST("normalization", "a layer is affine, its statistics, their use, activation and dropout") {
    const auto layers = naive::two_hidden(Normalization::batch, Activation::relu, 0.5, 2);
    Panels<float> panels(layers, Loss::squared_error, 0);
    const OperationList list = list_operations(panels.layers());
    const OperationKind wanted[] = {
        OperationKind::affine,     OperationKind::moments,   OperationKind::normalize,
        OperationKind::activation, OperationKind::dropout,   OperationKind::affine,
        OperationKind::moments,    OperationKind::normalize, OperationKind::activation,
        OperationKind::dropout,    OperationKind::affine};
    CHECK(list.operations.size() == 11);
    for (size_t i = 0; i < 11; ++i) {
        CHECK(list.operations[i].kind == wanted[i]);
        CHECK(list.operations[i].whole_batch == (wanted[i] == OperationKind::normalize));
        CHECK(!list.operations[i].rectify);
    }
    CHECK(list.operations[5].gate == Gate::kept && list.operations[10].gate == Gate::kept);
    CHECK(list.kept == 2 * (19 + 37));
    CHECK(panels.size() == 5 * 19 + 2 * 19 + 19 * 37 + 2 * 37 + 37 * 2 + 2);
    CHECK(panels.buffer_size() == 2 * (19 + 37));
}

TEST_EACH_ISA("normalization", "the gradient of a step is that of its loss") {
    for (Normalization kind : kinds)
        for (double rate : {0.0, 0.4})
            for (int64_t rows : {2, 9, 61, 500})
                check_gradient(problem_of(kind, Activation::tanh, rate, rows));
    check_gradient(problem_of(Normalization::batch, Activation::identity, 0.4, 9, false));
    check_gradient(problem_of(Normalization::layer, Activation::softmax, 0, 9, false));
    check_gradient(problem_of(Normalization::layer, Activation::softplus, 0.2, 9, false));
}

TEST_EACH_ISA("normalization", "float32 stays near, and any number of threads gives the same bits") {
    for (Normalization kind : kinds)
        for (int64_t rows : {9, 500}) {
            const naive::Kinds problem = problem_of(kind, Activation::tanh, 0.4, rows);
            const naive::Numbers exact = gradient_of<double>(problem), near = gradient_of<float>(problem);
            double largest = 0;
            for (double g : exact) largest = std::fmax(largest, std::abs(g));
            for (size_t i = 0; i < exact.size(); ++i) CHECK_NEAR(near[i], exact[i], 2e-4 * (largest + 1));
            CHECK(gradient_of<float>(problem, 3) == near);
        }
}

TEST_EACH_ISA("normalization", "running statistics begin as plain means, and predict") {
    naive::Kinds problem = problem_of(Normalization::batch, Activation::tanh, 0.4, 61);
    const naive::TypedKinds<double> typed(problem);
    Session<double> session = naive::open(problem, typed);
    naive::Numbers running(size_t(session.buffer_size()), 0.0), buffers = running;
    for (size_t i = 0; i < running.size(); ++i) running[i] = i >= 19 && (i < 38 || i >= 75);
    session.buffers(buffers.data());
    CHECK(buffers == running);
    for (int64_t step = 0; step < 14; ++step) {
        std::vector<naive::Kinds::Statistics> met;
        problem.vector = naive::parameters(session);
        problem.forward(problem.vector, nullptr, &met);
        naive::steps(session, problem, 1, 61, 0.1);
        session.buffers(buffers.data());
        const double share = std::fmax(0.1, 1 / (double(step) + 1));
        size_t at = 0;
        for (const auto& layer : met)
            for (const naive::Numbers* each : {&layer.mean, &layer.variance})
                for (double entry : *each) {
                    if (each == &layer.variance) entry *= 61.0 / 60;
                    running[at] += share * (entry - running[at]);
                    CHECK_NEAR(buffers[at], running[at], 1e-11);
                    ++at;
                }
        CHECK(at == buffers.size());
        ++problem.clock;
    }
    problem.vector = naive::parameters(session);
    CHECK_NEAR(session.loss(typed.samples), problem.loss(problem.vector, &buffers), 1e-9);
    std::vector<double> gradient(problem.vector.size());
    session.loss(typed.samples, gradient.data());
    for (size_t i = 0; i < gradient.size(); i += 17) {
        naive::Numbers up = problem.vector, down = up;
        up[i] += 1e-6;
        down[i] -= 1e-6;
        CHECK_NEAR(gradient[i], (problem.loss(up, &buffers) - problem.loss(down, &buffers)) / 2e-6, 1e-5);
    }
}

TEST_EACH_ISA("normalization", "a single row goes by the running statistics, and leaves them alone") {
    naive::Kinds problem = problem_of(Normalization::batch, Activation::tanh, 0.4, 1);
    check_gradient(problem);
    const naive::TypedKinds<float> typed(problem);
    Session<float> session = naive::open(problem, typed);
    std::vector<float> before(size_t(session.buffer_size())), after = before;
    session.buffers(before.data());
    naive::steps(session, problem, 3, 1, 0.1);
    session.buffers(after.data());
    CHECK(before == after);
}

TEST_EACH_ISA("normalization", "threads and cuts change no bit of many steps") {
    for (Normalization kind : kinds)
        for (int64_t batch : {48, 300, 900}) {
            const naive::Kinds problem = problem_of(kind, Activation::relu, 0.3, 1000);
            const naive::TypedKinds<float> typed(problem);
            std::vector<std::vector<float>> found;
            for (int threads : {1, 3})
                for (int64_t cut : {0, 3}) {
                    Session<float> session = naive::open(problem, typed, threads);
                    session.set_optimizer({Optimizer::adam, 0.9, 0.99, 1e-8, 0, 0.3, true, 0.9});
                    session.set_moments(nullptr);
                    naive::steps(session, problem, cut, batch, 0.01);
                    naive::steps(session, problem, 7 - cut, batch, 0.01, cut);
                    found.push_back(naive::everything(session));
                }
            for (const auto& each : found) CHECK(each == found[0]);
        }
}

namespace {

/// Steps that are long enough to be asked within one: question number `last` ends the run.
void check_ended_run(Normalization kind, int threads, double clip_norm, int64_t rows, int last) {
    std::vector<Layer> layers = naive::two_hidden(kind, Activation::relu, 0.3, 9);
    layers[0].units = layers[1].inputs = 700;
    layers[1].units = layers[2].inputs = 300;
    const naive::Kinds problem(layers, naive::three_heads(), rows);
    const naive::TypedKinds<float> typed(problem);
    const OptimizerSettings settings{Optimizer::adam, 0.9, 0.99, 1e-8, 0, clip_norm, true, 0.9};
    Session<float> ended = naive::open(problem, typed, threads), whole = naive::open(problem, typed);
    for (Session<float>* each : {&ended, &whole}) {
        each->set_optimizer(settings);
        each->set_moments(nullptr);
    }
    int asked = 0;
    ended.ask_whether_to_end([&] { return ++asked == last; });
    const RunReport report = naive::steps(ended, problem, 100'000, rows, 0.01);
    CHECK(ended.ended() && report.steps < 100'000);
    naive::steps(whole, problem, report.steps, rows, 0.01);
    CHECK(naive::everything(ended) == naive::everything(whole));
}

}  // namespace

TEST("normalization", "a run that is asked to end leaves whole steps: weights, statistics and average") {
    for (Normalization kind : kinds)
        for (double clip_norm : {0.0, 0.5}) check_ended_run(kind, 2, clip_norm, 700, 2);
    // Clipping has nothing done when its gradient is there: also then the statistics are as they were.
    for (int last = 1; last < 7; ++last) check_ended_run(Normalization::batch, 1, 0.5, 150, last);
}

TEST_EACH_ISA("normalization", "going back draws the same units, and meets the same statistics") {
    const naive::Kinds problem = problem_of(Normalization::batch, Activation::relu, 0.3, 100);
    const naive::TypedKinds<float> typed(problem);
    Session<float> session = naive::open(problem, typed);
    session.set_optimizer({Optimizer::adam, 0.9, 0.99, 1e-8, 0, 0.3, true, 0.9});
    session.set_moments(nullptr);
    EpochPlan plan;
    plan.work.order.kind = OrderKind::shuffle;
    plan.work.batch_size = 33;  // a single row is left over
    plan.work.key = 5;
    plan.rules.rate = 0.01;
    plan.rules.patience = 100;
    plan.epochs = 5;
    plan.steps = 20;
    plan.slice = 1e9;
    CHECK(session.run_epochs(plan).epochs == 5);
    const auto reached = naive::everything(session);
    session.loop().go_back();
    CHECK(naive::everything(session) == reached);
}
