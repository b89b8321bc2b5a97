#include <chrono>
#include <limits>
#include <thread>

#include "allocations.hpp"
#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

naive::Problem small() {
    return {{5, 9, 3}, Activation::tanh, Activation::identity, Loss::squared_error, 40};
}

/// A network whose steps are slow enough to be asked within one: `limit` questions, then the end.
template <class T>
void check_ended_run(int64_t batch, int threads) {
    const naive::Problem problem({60, 700, 300, 5}, Activation::relu, Activation::softmax, Loss::log_loss,
                                 3000);
    const naive::Typed<T> typed(problem);
    Session<T> ended = naive::open(problem, typed, threads);
    int asked = 0;
    const auto caller = std::this_thread::get_id();
    ended.ask_whether_to_end([&] {
        CHECK(std::this_thread::get_id() == caller);
        return ++asked == 2;
    });
    const naive::Numbers rates(100'000, 0.01);
    RunPlan plan;
    plan.order.kind = OrderKind::shuffle;
    plan.steps = int64_t(rates.size());
    plan.batch_size = batch;
    plan.rates = rates.data();
    const RunReport report = ended.run(plan);
    CHECK(ended.ended());
    CHECK(asked == 2);
    CHECK(report.steps < plan.steps);

    Session<T> whole = naive::open(problem, typed);
    plan.steps = report.steps;
    whole.run(plan);
    CHECK(!whole.ended());
    CHECK(naive::parameters(ended) == naive::parameters(whole));
}

}  // namespace

TEST("session", "a batch larger than the rows takes all of them, however large") {
    const naive::Problem problem = small();
    const naive::Typed<double> typed(problem);
    Session<double> whole = naive::open(problem, typed);
    const auto wanted = naive::run(whole, 3, problem.rows);
    for (int64_t batch : {problem.rows + 1, int64_t(1) << 40, std::numeric_limits<int64_t>::max()}) {
        Session<double> session = naive::open(problem, typed);
        CHECK(naive::run(session, 3, batch) == wanted);
    }
}

TEST("session", "no rows are no steps") {
    const naive::Problem problem = small();
    const naive::Typed<double> typed(problem);
    for (int64_t batch : {1, 7}) {
        Session<double> session = naive::open(problem, typed);
        Samples<double> none = typed.samples;
        none.rows = 0;
        session.bind(none);
        CHECK(naive::run(session, 3, batch) == typed.vector);
    }
}

TEST("session", "a run that is asked to end ends after a whole step") {
    check_ended_run<float>(1, 1);
    check_ended_run<float>(20, 2);
    check_ended_run<double>(3000, 1);
    check_ended_run<double>(3000, 3);
}

TEST("session", "losses, gradients and predictions end when asked, and work again afterwards") {
    const naive::Problem problem({60, 1500, 1500, 5}, Activation::relu, Activation::identity,
                                 Loss::squared_error, 20'000);
    const naive::Typed<float> typed(problem);
    Session<float> session = naive::open(problem, typed, 2);
    bool end = true;
    int asked = 0;
    session.ask_whether_to_end([&] { return ++asked, end; });
    std::vector<float> gradient(typed.vector.size()), predictions(typed.D.size());
    session.loss(typed.samples);
    CHECK(session.ended() && asked == 1);
    session.loss(typed.samples, gradient.data());
    CHECK(session.ended() && asked == 2);
    session.predict(typed.samples, predictions.data());
    CHECK(session.ended() && asked == 3);

    end = false;
    Samples<float> few = typed.samples;
    few.rows = 50;
    Session<float> other = naive::open(problem, typed);
    CHECK(session.loss(few) == other.loss(few));
    CHECK(!session.ended());
}

TEST("session", "any number of threads may be asked for") {
    const naive::Problem problem({40, 170, 5}, Activation::tanh, Activation::identity, Loss::squared_error,
                                 1500);
    const naive::Typed<float> typed(problem);
    Session<float> alone = naive::open(problem, typed), many = naive::open(problem, typed, 100'000);
    CHECK(naive::run(many, 4, 700) == naive::run(alone, 4, 700));
    Session<float> none = naive::open(problem, typed, -3);
    CHECK(naive::run(none, 4, 700) == naive::parameters(alone));
}

namespace {

/// Allocations of a run of so many steps within one epoch, after one that made all there is to make.
template <class T>
int64_t allocations_of(int64_t steps, int64_t batch, Optimizer kind) {
    const naive::Problem problem({20, 40, 9, 3}, Activation::tanh, Activation::softmax, Loss::log_loss, 600);
    const naive::Typed<T> typed(problem);
    Session<T> session = naive::open(problem, typed, 2);
    session.set_optimizer({kind, 0.9, 0.999, 1e-8, 0});
    const naive::Numbers rates(size_t(steps), 0.01);
    RunPlan plan;
    plan.order.kind = OrderKind::shuffle;
    plan.steps = steps;
    plan.batch_size = batch;
    plan.rates = rates.data();
    session.run(plan);
    const int64_t before = check::allocations();
    session.run(plan);
    return check::allocations() - before;
}

}  // namespace

TEST_EACH_ISA("session", "the number of allocations of a run does not depend on its steps") {
    for (Optimizer kind : {Optimizer::sgd, Optimizer::nesterov, Optimizer::adam, Optimizer::rmsprop})
        for (int64_t batch : {1, 4, 50}) {
            CHECK(allocations_of<float>(10, batch, kind) == allocations_of<float>(1, batch, kind));
            CHECK(allocations_of<double>(10, batch, kind) == allocations_of<double>(1, batch, kind));
        }
}

TEST("session", "allocations are counted") {
    const int64_t before = check::allocations();
    ::operator delete(::operator new(80));  // called by name, for Clang leaves out what nobody uses
    CHECK(check::allocations() == before + 1);
}
