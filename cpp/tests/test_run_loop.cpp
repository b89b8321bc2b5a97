#include <algorithm>
#include <limits>

#include "allocations.hpp"
#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int64_t any = int64_t(1) << 40;

/// A training of some epochs, in slices of at most so many steps.
struct Training {
    EpochPlan plan;
    int64_t slice = any;
    naive::Numbers factors = {};

    Training(OrderKind kind, int64_t batch, int64_t epochs) {
        plan.work.order.kind = kind;
        plan.work.order.key = 5;
        plan.work.batch_size = batch;
        plan.epochs = epochs;
        plan.rules.rate = 0.05;
        plan.rules.patience = -1;
        plan.slice = 1e9;
        plan.n = 40;
        plan.standing.best_loss = infinity;
        plan.standing.best_score = -infinity;
    }
};

struct Outcome {
    naive::Numbers losses, validation, scores;
    EpochReport last;
    int64_t epochs = 0;
};

template <class T>
Outcome train(Session<T>& session, const Training& training, int64_t per_epoch) {
    Outcome out;
    EpochPlan plan = training.plan;
    const int64_t all = plan.epochs;
    while (out.epochs < all) {
        plan.steps = std::min(training.slice, (all - out.epochs) * per_epoch - plan.step);
        plan.epochs = all - out.epochs;
        if (!training.factors.empty())
            plan.factors = &training.factors[size_t(out.epochs * per_epoch + plan.step)];
        plan.epoch = out.epochs;
        out.last = session.run_epochs(plan);
        const EpochNumbers& numbers = session.loop().numbers();
        for (int64_t i = 0; i < out.last.epochs; ++i) {
            out.losses.push_back(numbers.loss[size_t(i)]);
            if (numbers.score.empty()) continue;
            out.validation.push_back(numbers.validation_loss[size_t(i)]);
            out.scores.push_back(numbers.score[size_t(i)]);
        }
        out.epochs += out.last.epochs;
        plan.step = out.last.step;
        plan.carried = out.last.carried;
        plan.standing = out.last.standing;
        if (out.last.verdict != Verdict::go_on) break;
    }
    return out;
}

naive::Problem small() {
    return {{5, 9, 3}, Activation::tanh, Activation::identity, Loss::squared_error, 40};
}

constexpr Optimizer optimizers[] = {Optimizer::sgd,  Optimizer::momentum, Optimizer::nesterov,
                                    Optimizer::adam, Optimizer::adamw,    Optimizer::rmsprop};

OptimizerSettings settings_of(Optimizer kind) { return {kind, 0.9, 0.99, 1e-8, 0.01}; }

template <class T>
std::vector<T> moments(const Session<T>& session) {
    std::vector<T> rows(size_t(moment_count(session.optimizer().kind) * session.size()));
    session.moments(rows.data());
    return rows;
}

/// Wherever a run is cut, and with however many steps a call.
template <class T>
void check_cuts(Optimizer kind, OrderKind order, int64_t batch) {
    const naive::Problem problem = small();
    const naive::Typed<T> typed(problem);
    const int64_t per_epoch = (problem.rows + batch - 1) / batch, epochs = 23;
    std::vector<Outcome> outcomes;
    std::vector<std::vector<T>> numbers;
    for (int64_t slice : {any, int64_t(1), int64_t(5), int64_t(7), int64_t(64)}) {
        Session<T> session = naive::open(problem, typed);
        session.set_optimizer(settings_of(kind));
        session.set_moments(nullptr);
        session.loop().judge(Validation<T>{typed.samples, Score::r2, 0, 40});
        Training training(order, batch, epochs);
        training.slice = slice;
        training.plan.rules.rate = 0.01;
        training.plan.l1 = 0.2;
        training.plan.l2 = 0.3;
        for (int64_t i = 0; i < epochs * per_epoch; ++i)
            training.factors.push_back(1 / (1 + 0.1 * double(i)));
        outcomes.push_back(train(session, training, per_epoch));
        numbers.push_back(naive::parameters(session));
        for (T moment : moments(session)) numbers.back().push_back(moment);
    }
    for (size_t i = 0; i < outcomes.size(); ++i) {
        CHECK(outcomes[i].epochs == epochs);
        CHECK(numbers[i] == numbers[0]);
        CHECK(outcomes[i].losses == outcomes[0].losses);
        CHECK(outcomes[i].validation == outcomes[0].validation);
        CHECK(outcomes[i].scores == outcomes[0].scores);
    }
    CHECK(outcomes[0].losses.back() != outcomes[0].losses.front());
}

/// A step size that grows until numbers are none any more.
template <class T>
void check_going_back(int64_t batch, int64_t slice, Optimizer kind, int64_t first_step = 0) {
    const naive::Problem problem({5, 9, 3}, Activation::relu, Activation::identity, Loss::squared_error, 40);
    const naive::Typed<T> typed(problem);
    const int64_t per_epoch = (problem.rows + batch - 1) / batch;
    Training training(OrderKind::shuffle, batch, 300);
    training.slice = slice;
    training.plan.rules.rate = 0.005;
    training.plan.step = first_step;
    for (int64_t i = 0; i < 300 * per_epoch; ++i)
        training.factors.push_back(std::pow(1.5, double(i) / double(per_epoch)));
    Session<T> wild = naive::open(problem, typed);
    wild.set_optimizer(settings_of(kind));
    wild.set_moments(nullptr);
    const Outcome broken = train(wild, training, per_epoch);
    CHECK(broken.last.verdict == Verdict::non_finite);
    CHECK(broken.epochs > 0 && broken.epochs < 300);
    wild.loop().go_back();

    Session<T> tame = naive::open(problem, typed);
    tame.set_optimizer(settings_of(kind));
    tame.set_moments(nullptr);
    training.plan.epochs = broken.epochs;
    training.slice = any;
    const Outcome whole = train(tame, training, per_epoch);
    CHECK(whole.last.verdict == Verdict::go_on);
    CHECK(whole.losses == broken.losses);
    CHECK(naive::parameters(tame) == naive::parameters(wild));
    CHECK(moments(tame) == moments(wild));
}

}  // namespace

TEST_EACH_ISA("run_loop", "the length of a slice changes no bit") {
    for (Optimizer kind : optimizers)
        for (OrderKind order : {OrderKind::shuffle, OrderKind::replacement, OrderKind::sequential})
            for (int64_t batch : {1, 6, 40}) check_cuts<float>(kind, order, batch);
    check_cuts<double>(Optimizer::adam, OrderKind::shuffle, 1);
    check_cuts<double>(Optimizer::adam, OrderKind::shuffle, 6);
}

TEST_EACH_ISA("run_loop", "numbers that are none any more are taken back to the end of an epoch") {
    for (Optimizer kind : {Optimizer::sgd, Optimizer::momentum, Optimizer::adam})
        for (int64_t batch : {1, 6, 40})
            for (int64_t slice : {int64_t(1), int64_t(5), int64_t(7), any})
                check_going_back<float>(batch, slice, kind);
    check_going_back<double>(6, any, Optimizer::sgd);
}

TEST("run_loop", "it is taken back where the first slice began inside an epoch") {
    for (int64_t slice : {int64_t(2), int64_t(5), any}) {
        check_going_back<float>(6, slice, Optimizer::momentum, 3);
        check_going_back<float>(1, slice, Optimizer::sgd, 13);
    }
}

TEST("run_loop", "it is taken back across a change of the step size") {
    const naive::Problem problem({5, 9, 3}, Activation::relu, Activation::identity, Loss::squared_error, 40);
    const naive::Typed<float> typed(problem);
    Session<float> wild = naive::open(problem, typed), tame = naive::open(problem, typed);
    Training training(OrderKind::shuffle, 6, 400);
    // No epoch improves: a plateau each epoch, whose divisor makes the step size larger.
    training.plan.rules = {false, 1e30, 0, 1e-4, true, 0.7, 0};
    const Outcome broken = train(wild, training, 7);
    CHECK(broken.last.verdict == Verdict::non_finite && broken.epochs > 5);
    wild.loop().go_back();
    training.plan.epochs = broken.epochs;
    const Outcome whole = train(tame, training, 7);
    CHECK(whole.losses == broken.losses);
    CHECK(naive::parameters(tame) == naive::parameters(wild));
}

TEST("run_loop", "there is nothing to go back to before a run, and after numbers were set") {
    const naive::Problem problem = small();
    const naive::Typed<double> typed(problem);
    Session<double> session = naive::open(problem, typed);
    session.loop().go_back();
    CHECK(naive::parameters(session) == typed.vector);
    train(session, Training(OrderKind::shuffle, 4, 3), 10);
    session.set_parameters(typed.vector.data());
    session.loop().go_back();
    CHECK(naive::parameters(session) == typed.vector);
}

TEST("run_loop", "losses are means as met plus the penalty at the epoch's end") {
    const naive::Problem problem = small();
    const naive::Typed<double> typed(problem);
    Session<double> session = naive::open(problem, typed);
    Training training(OrderKind::sequential, 40, 1);
    training.plan.l1 = 0.3;
    training.plan.l2 = 0.5;
    const double met = problem.value();
    const Outcome out = train(session, training, 1);
    const auto after = naive::parameters(session);
    double size = 0, square = 0;
    size_t at = 0;
    for (const Layer& layer : problem.layers) {
        for (int64_t i = 0; i < layer.inputs * layer.units; ++i, ++at) {
            size += std::abs(after[at]);
            square += after[at] * after[at];
        }
        at += size_t(layer.units);  // biases
    }
    const double wanted = (met + 0.3 * size + 0.25 * square) / 40;
    CHECK_NEAR(out.losses[0], wanted, 1e-12 * wanted);
}

TEST("run_loop", "the best parameters are those of the best score") {
    const naive::Problem problem = small();
    const naive::Typed<double> typed(problem);
    std::vector<std::vector<double>> seen;
    Training one(OrderKind::shuffle, 4, 1);
    Session<double> slowly = naive::open(problem, typed), session = naive::open(problem, typed);
    for (Session<double>* each : {&slowly, &session}) each->loop().judge(Validation<double>{typed.samples});
    Training training(OrderKind::shuffle, 4, 30);
    training.plan.rules = {true, 0, 2, 0.9, false, 1, 0};  // too large a step: the score goes up and down
    const Outcome out = train(session, training, 10);
    CHECK(out.last.verdict == Verdict::no_improvement);
    CHECK(out.last.best);
    size_t best = 0;
    for (size_t i = 0; i < out.scores.size(); ++i)
        if (out.scores[i] > out.scores[best]) best = i;
    CHECK(out.last.standing.best_score == out.scores[best]);
    CHECK(best + 4 == out.scores.size());
    training.plan.epochs = int64_t(best) + 1;
    train(slowly, training, 10);
    std::vector<double> kept(typed.vector.size());
    session.loop().best(kept.data());
    CHECK(kept == naive::parameters(slowly));
    CHECK(kept != naive::parameters(session));
}

TEST("run_loop", "a slice ends by the clock, and a call that is asked to end in an epoch") {
    const naive::Problem problem({60, 700, 300, 5}, Activation::relu, Activation::softmax, Loss::log_loss,
                                 3000);
    const naive::Typed<float> typed(problem);
    Session<float> session = naive::open(problem, typed), whole = naive::open(problem, typed);
    Training training(OrderKind::shuffle, 20, 1000);
    training.plan.slice = 0;
    training.plan.steps = any;
    const EpochReport paused = session.run_epochs(training.plan);
    CHECK(!session.ended() && paused.epochs == 0 && paused.step == paused.taken && paused.step < 150);
    training.plan.slice = 1e9;
    training.plan.step = paused.step;
    training.plan.carried = paused.carried;
    session.ask_whether_to_end([] { return true; });
    const EpochReport ended = session.run_epochs(training.plan);
    CHECK(session.ended() && ended.epochs == 0 && ended.verdict == Verdict::go_on);
    const naive::Numbers rates(size_t(ended.step), 0.05);
    RunPlan plan;
    static_cast<Work&>(plan) = training.plan.work;
    plan.steps = ended.step;
    plan.rates = rates.data();
    double loss = 0;
    plan.losses = &loss;
    whole.run(plan);
    CHECK(naive::parameters(session) == naive::parameters(whole));
    CHECK(loss == ended.carried);
}

TEST("run_loop", "an epoch whose steps are done is judged without a step") {
    const naive::Problem problem = small();
    const naive::Typed<double> typed(problem);
    Session<double> session = naive::open(problem, typed), other = naive::open(problem, typed);
    EpochPlan plan = Training(OrderKind::shuffle, 4, 1).plan;
    plan.steps = 10;
    plan.judge = false;  // the report is that of the last step
    const EpochReport first = session.run_epochs(plan);
    const double loss = session.loop().numbers().loss[0];
    CHECK(first.epochs == 1 && first.step == 10 && first.carried > 0);
    const auto reached = naive::parameters(session);
    other.set_parameters(reached.data());
    plan.step = first.step;
    plan.carried = first.carried;
    plan.steps = 1;
    plan.judge = true;
    const EpochReport again = other.run_epochs(plan);
    CHECK(again.epochs == 1 && again.taken == 0 && again.step == 0 && again.carried == 0);
    CHECK(other.loop().numbers().loss[0] == loss && again.standing.best_loss == loss);
    CHECK(naive::parameters(other) == reached);
}

TEST("run_loop", "after its first slice a run allocates nothing") {
    const naive::Problem problem = small();
    const naive::Typed<float> typed(problem);
    for (OrderKind order : {OrderKind::shuffle, OrderKind::replacement, OrderKind::sequential})
        for (int64_t batch : {1, 6, 40})
            for (Score score : {Score::minus_loss, Score::r2, Score::threshold}) {
                Session<float> session = naive::open(problem, typed);
                session.loop().judge(Validation<float>{typed.samples, score});
                Training training(order, batch, 200);
                training.plan.rules.by_score = true;
                training.plan.steps = any;
                session.run_epochs(training.plan);
                training.plan.epoch = 200;
                const int64_t before = check::allocations();
                const EpochReport report = session.run_epochs(training.plan);
                CHECK(check::allocations() == before);
                CHECK(report.epochs == 200);
            }
    const int64_t before = check::allocations();
    ::operator delete(::operator new(4));
    CHECK(check::allocations() == before + 1);  // the counter counts
}
