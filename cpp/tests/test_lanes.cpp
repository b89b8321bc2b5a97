#include <algorithm>
#include <limits>
#include <thread>

#include "check.hpp"
#include "deltarule/lanes.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// What the trainings of a case have in common.
struct Common {
    OrderKind order = OrderKind::shuffle;
    int64_t batch = 1;
    Optimizer optimizer = Optimizer::sgd;
    int64_t epochs = 3;
    bool own_keys = true;
    double l1 = 0, l2 = 0;
    double rate = 0.02;
    int threads = 1;
};

/// Trainings of one problem from different starts, and where their results go.
template <class T>
struct Trainings {
    std::vector<std::vector<T>> parameters, moments;
    std::vector<std::vector<double>> losses, seconds;
    std::vector<LaneJob<T>> jobs;

    Trainings(const naive::Problem& problem, const Common& common, size_t count) {
        const naive::Typed<T> typed(problem);
        parameters.assign(count, typed.vector);
        moments.assign(count, std::vector<T>(size_t(moment_count(common.optimizer)) * typed.vector.size()));
        losses.assign(count, std::vector<double>(size_t(common.epochs)));
        seconds = losses;
        jobs.resize(count);
        for (size_t j = 0; j < count; ++j) {
            for (size_t i = 0; i < typed.vector.size(); ++i)
                parameters[j][i] *= T(1 + 0.1 * double((i + j) % 5));
            LaneJob<T>& job = jobs[j];
            job = LaneJob<T>{};
            job.parameters = parameters[j].data();
            job.moments = moments[j].data();
            job.losses = losses[j].data();
            job.seconds = seconds[j].data();
            job.key = common.own_keys ? j : 5;
            job.optimizer = {common.optimizer, 0.9, 0.99, 1e-3, 0.1};
            job.rules.rate = common.rate * (1 + 0.5 * double(j % 4));
            job.rules.patience = -1;
            job.l1 = common.l1;
            job.l2 = common.l2 * double(j % 3);
            job.scale = 1.25;
            job.n = double(problem.rows);
            job.max_epochs = common.epochs;
            job.standing.best_loss = std::numeric_limits<double>::infinity();
        }
    }

    LaneWork work(const naive::Problem& problem, const Common& common) const {
        LaneWork work{common.order, common.batch, common.optimizer, problem.rows};
        if (jobs[0].rows) work.rows = fold_rows;
        work.has_l1 = common.l1 != 0;
        work.penalised = common.l1 != 0 || common.l2 != 0;
        return work;
    }
    int64_t fold_rows = 0;

    void run(const naive::Problem& problem, const Common& common) {
        const naive::Typed<T> typed(problem);
        LaneSession<T> session(problem.layers, problem.kind, problem.parameter, common.threads);
        session.bind(typed.samples);
        session.run(work(problem, common), jobs);
    }
};

/// The same training on the roads of a single network.
template <class T>
void train_alone(const naive::Problem& problem, const Common& common, const LaneJob<T>& job,
                 std::vector<T>& parameters, std::vector<double>& losses) {
    const naive::Typed<T> typed(problem);
    Session<T> session(problem.layers, problem.kind, problem.parameter, 1);
    session.set_parameters(parameters.data());
    session.set_optimizer(job.optimizer);
    session.bind(typed.samples);
    const int64_t per_epoch = (problem.rows - 1) / std::min(common.batch, problem.rows) + 1;
    const naive::Numbers rates(size_t(per_epoch * common.epochs), job.rules.rate);
    RunPlan plan;
    plan.order.kind = common.order;
    plan.order.key = job.key;
    plan.steps = int64_t(rates.size());
    plan.batch_size = common.batch;
    plan.rates = rates.data();
    plan.l1 = job.l1;
    plan.l2 = job.l2;
    plan.scale = job.scale;
    losses.resize(size_t(session.epochs_touched(plan)));
    plan.losses = losses.data();
    session.run(plan);
    parameters = naive::parameters(session);
}

template <class T>
void check_against_alone(const naive::Problem& problem, const Common& common, size_t count,
                         double tolerance) {
    Trainings<T> many(problem, common, count);
    const auto starts = many.parameters;
    many.run(problem, common);
    for (size_t j = 0; j < count; ++j) {
        std::vector<T> alone = starts[j];
        std::vector<double> losses;
        train_alone(problem, common, many.jobs[j], alone, losses);
        double largest = 0;
        for (T entry : alone) largest = std::max(largest, std::abs(double(entry)));
        for (size_t i = 0; i < alone.size(); ++i)
            CHECK_NEAR(double(many.parameters[j][i]), double(alone[i]), tolerance * largest);
        CHECK(many.jobs[j].end == LaneEnd::last_epoch);
        CHECK(many.jobs[j].done == common.epochs);
        if (common.l1 == 0 && common.l2 == 0)
            for (size_t e = 0; e < losses.size(); ++e)
                CHECK_NEAR(many.losses[j][e], losses[e] / many.jobs[j].n, tolerance * losses[e]);
    }
}

naive::Problem classes() { return {{7, 9, 5, 3}, Activation::tanh, Activation::softmax, Loss::log_loss, 29}; }

}  // namespace

TEST_EACH_ISA("lanes", "each training is what it is alone") {
    for (Optimizer optimizer : {Optimizer::sgd, Optimizer::momentum, Optimizer::nesterov, Optimizer::adam,
                                Optimizer::adamw, Optimizer::rmsprop})
        for (int64_t batch : {1, 2, 3, 8, 29, 100})
            for (bool own : {true, false}) {
                Common common{OrderKind::shuffle, batch, optimizer};
                common.own_keys = own;
                check_against_alone<double>(classes(), common, 21, 1e-11);
                check_against_alone<float>(classes(), common, 21, 1e-4);
            }
}

TEST_EACH_ISA("lanes", "penalties, sampling rules, and shapes from one weight to wide ones") {
    for (OrderKind order : {OrderKind::replacement, OrderKind::shuffle, OrderKind::sequential})
        for (int64_t batch : {1, 5})
            for (double l1 : {0.0, 0.01}) {
                Common common{order, batch};
                common.l1 = l1;
                common.l2 = 0.02;
                check_against_alone<double>(classes(), common, 6, 1e-11);
            }
    for (bool bias : {true, false})
        for (const std::vector<int64_t>& units : {std::vector<int64_t>{1, 1}, {2, 2, 1}, {33, 70, 2}}) {
            const naive::Problem problem(units, Activation::relu, Activation::logistic, Loss::squared_error,
                                         13, bias);
            for (int64_t batch : {1, 4}) {
                check_against_alone<double>(problem, {OrderKind::shuffle, batch}, 5, 1e-11);
                check_against_alone<float>(problem, {OrderKind::replacement, batch}, 5, 1e-4);
            }
        }
}

TEST_EACH_ISA("lanes", "every activation and every loss") {
    for (Activation hidden :
         {Activation::identity, Activation::logistic, Activation::relu, Activation::leaky_relu,
          Activation::sign, Activation::softmax, Activation::softplus, Activation::selu, Activation::gelu,
          Activation::silu, Activation::mish})
        for (auto [last, loss] : {std::pair{Activation::identity, Loss::squared_error},
                                  {Activation::softmax, Loss::squared_error},
                                  {Activation::identity, Loss::absolute_error},
                                  {Activation::tanh, Loss::huber},
                                  {Activation::identity, Loss::quantile},
                                  {Activation::exp, Loss::poisson},
                                  {Activation::softplus, Loss::poisson},
                                  {Activation::logistic, Loss::log_loss},
                                  {Activation::sign, Loss::perceptron}}) {
            const naive::Problem problem({4, 6, 3}, hidden, last, loss, 11);
            for (int64_t batch : {1, 4}) {
                Common common{OrderKind::shuffle, batch};
                common.rate = 1e-3;
                check_against_alone<double>(problem, common, 3, 1e-11);
            }
        }
}

TEST_EACH_ISA("lanes", "no bit depends on the others, on the threads, or on who ends when") {
    for (int64_t batch : {1, 6})
        for (Optimizer optimizer : {Optimizer::sgd, Optimizer::adam}) {
            Common common{OrderKind::shuffle, batch, optimizer, 5};
            Trainings<float> whole(classes(), common, 75);
            // Ends at many epochs, so that lanes are filled anew, moved and left idle.
            for (size_t j = 0; j < whole.jobs.size(); ++j) whole.jobs[j].max_epochs = int64_t(j * 7 % 6);
            auto waiting = whole;
            for (size_t j = 0; j < whole.jobs.size(); ++j) {
                waiting.jobs[j].parameters = waiting.parameters[j].data();
                waiting.jobs[j].moments = waiting.moments[j].data();
                waiting.jobs[j].losses = waiting.losses[j].data();
                waiting.jobs[j].seconds = waiting.seconds[j].data();
            }
            whole.run(classes(), common);
            common.threads = 3;
            std::reverse(waiting.jobs.begin(), waiting.jobs.end());
            waiting.run(classes(), common);
            CHECK(whole.parameters == waiting.parameters);
            CHECK(whole.moments == waiting.moments);
            CHECK(whole.losses == waiting.losses);
            for (size_t j : {0, 1, 74}) {
                Trainings<float> single(classes(), common, 75);
                single.jobs = {single.jobs[j]};
                single.jobs[0].max_epochs = whole.jobs[j].max_epochs;
                single.run(classes(), common);
                CHECK(single.parameters[j] == whole.parameters[j]);
                CHECK(single.losses[j] == whole.losses[j]);
            }
        }
}

TEST_EACH_ISA("lanes", "folds are the rows of one table") {
    const naive::Problem problem = classes();
    const std::vector<std::vector<int64_t>> folds = {
        {0, 2, 4, 6, 8, 10, 12, 14, 16}, {28, 27, 26, 1, 3, 5, 7, 9, 11}, {3, 3, 3, 4, 4, 4, 5, 5, 5}};
    for (int64_t batch : {1, 4}) {
        Common common{OrderKind::shuffle, batch};
        Trainings<double> many(problem, common, 11);
        const auto starts = many.parameters;
        many.fold_rows = 9;
        for (size_t j = 0; j < 11; ++j) many.jobs[j].rows = folds[j % 3].data();
        many.run(problem, common);
        for (size_t j = 0; j < 11; ++j) {
            naive::Problem part = problem;
            part.rows = 9;
            part.X.clear(), part.D.clear(), part.weight.clear();
            for (int64_t row : folds[j % 3]) {
                for (int64_t i = 0; i < 7; ++i) part.X.push_back(problem.X[size_t(row * 7 + i)]);
                for (int64_t k = 0; k < 3; ++k) part.D.push_back(problem.D[size_t(row * 3 + k)]);
                part.weight.push_back(problem.weight[size_t(row)]);
            }
            std::vector<double> alone = starts[j], losses;
            train_alone(part, common, many.jobs[j], alone, losses);
            for (size_t i = 0; i < alone.size(); ++i) CHECK_NEAR(many.parameters[j][i], alone[i], 1e-12);
        }
    }
}

TEST_EACH_ISA("lanes", "one that diverges keeps its last finite numbers and disturbs nobody") {
    const naive::Problem problem({3, 2}, Activation::identity, Activation::identity, Loss::squared_error, 8);
    for (int64_t batch : {1, 3}) {
        Common common{OrderKind::shuffle, batch};
        common.epochs = 40;
        Trainings<double> many(problem, common, 9), calm = many;
        calm = Trainings<double>(problem, common, 9);
        many.jobs[4].rules.rate = 1e30;
        many.run(problem, common);
        calm.run(problem, common);
        for (size_t j = 0; j < 9; ++j) {
            CHECK((many.jobs[j].end == LaneEnd::non_finite) == (j == 4));
            if (j != 4) CHECK(many.parameters[j] == calm.parameters[j]);
        }
        Trainings<double> until(problem, common, 9);
        until.jobs[4].rules.rate = 1e30;
        until.jobs[4].max_epochs = many.jobs[4].done;
        until.run(problem, common);
        CHECK(many.parameters[4] == until.parameters[4]);
        for (double number : many.parameters[4]) CHECK(std::isfinite(number));
    }
}

TEST("lanes", "a plateau ends a training, or lowers its step size") {
    const naive::Problem problem = classes();
    Common common{OrderKind::sequential, 29};
    common.epochs = 12;
    Trainings<double> many(problem, common, 3);
    for (auto& job : many.jobs) job.rules.patience = 2, job.rules.least = 1e9;
    many.jobs[1].rules.adaptive = true, many.jobs[1].rules.divisor = 10;
    many.jobs[2].rules.adaptive = true, many.jobs[2].rules.smallest = 1;
    many.run(problem, common);
    CHECK(many.jobs[0].end == LaneEnd::converged);
    CHECK(many.jobs[0].done == 4);  // the first is better than none
    CHECK(many.jobs[1].end == LaneEnd::last_epoch);
    CHECK_NEAR(many.jobs[1].standing.rate_factor, 1e-3, 1e-18);
    CHECK(many.jobs[2].end == LaneEnd::step_too_small);
}

TEST("lanes", "a run that is asked to end leaves whole epochs") {
    const naive::Problem problem({20, 30, 3}, Activation::relu, Activation::identity, Loss::squared_error,
                                 500);
    const naive::Typed<float> typed(problem);
    for (int threads : {1, 2}) {
        Common common{OrderKind::shuffle};
        common.epochs = 100'000;
        common.rate = 1e-5;
        Trainings<float> many(problem, common, 200);
        LaneSession<float> session(problem.layers, problem.kind, 0, threads);
        session.bind(typed.samples);
        int asked = 0;
        const auto caller = std::this_thread::get_id();
        session.ask_whether_to_end([&] {
            CHECK(std::this_thread::get_id() == caller);
            return ++asked == 2;
        });
        session.run(many.work(problem, common), many.jobs);
        CHECK(session.ended());
        CHECK(asked == 2);
        CHECK(many.jobs[0].end == LaneEnd::unfinished);
        CHECK(many.jobs[199].end == LaneEnd::waiting);
        common.epochs = many.jobs[0].done;
        Trainings<float> whole(problem, common, 200);
        whole.run(problem, common);
        CHECK(many.parameters[0] == whole.parameters[0]);
    }
}

TEST("lanes", "no trainings and no epochs are no work") {
    const naive::Problem problem = classes();
    Trainings<double> many(problem, {}, 2);
    many.jobs[0].max_epochs = 0;
    many.run(problem, {});
    CHECK(many.jobs[0].end == LaneEnd::last_epoch);
    CHECK(many.parameters[0] == Trainings<double>(problem, {}, 2).parameters[0]);
    many.jobs.clear();
    const naive::Typed<double> typed(problem);
    LaneSession<double> session(problem.layers, problem.kind, 0, 1);
    session.bind(typed.samples);
    session.run({}, many.jobs);
    CHECK(!session.ended());
}
