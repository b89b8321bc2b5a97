#include "deltarule/session.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "bindings.hpp"
#include "calls.hpp"
#include "learner.hpp"
#include "names.hpp"

namespace deltarule::bindings {
namespace {

/// A session of the core, and the Python objects whose memory it refers to.
template <class T>
class Bound {
public:
    Bound(const std::vector<LayerText>& layers, const std::string& loss, double loss_parameter, int n_threads,
          const std::vector<HeadText>& heads, const std::vector<ExtraText>& extras,
          const PreludeText& prelude)
        : session_(layers_of(layers, extras), loss_of(loss), loss_parameter, n_threads,
                   heads_of(heads, layers.empty() ? 0 : std::get<1>(layers.back())),
                   prelude_of(prelude, layers.empty() ? 0 : std::get<0>(layers.front()))) {
        const Activation last = session_.layers().back().activation;
        if (heads.empty()) check_loss(loss_of(loss), last);
        if (heads.empty() && last == Activation::ascending) refuse("'ascending' needs a head of its own.");
        session_.ask_whether_to_end([this] { return signals_.raised(); });
    }
    Bound(const Bound&) = delete;  // the session knows where this one lives

    void set_parameters(nb::handle vector) {
        const Use use(busy_);
        Held held;
        session_.set_parameters(data_of<T>(vector, "parameters", {session_.size()}, held));
    }
    Output<T> parameters() {
        const Use use(busy_);
        auto vector = new_array<T>({size_t(session_.size())});
        session_.parameters(vector.data());
        return vector;
    }

    Output<T> buffers() {
        const Use use(busy_);
        auto numbers = new_array<T>({size_t(session_.buffer_size())});
        session_.buffers(numbers.data());
        return numbers;
    }
    void set_buffers(nb::handle buffers) {
        const Use use(busy_);
        Held held;
        session_.set_buffers(data_of<T>(buffers, "buffers", {session_.buffer_size()}, held));
    }
    void publish(bool yes) {
        const Use use(busy_);
        session_.publish(yes);
    }

    /// The four numbers in the order of the Python side's `hyperparameters`; a norm of 0 clips nothing,
    /// an average below 0 is none.
    void set_optimizer(const std::string& name, std::tuple<double, double, double, double> numbers,
                       double clip_norm, double average) {
        const Use use(busy_);
        const auto [p1, p2, p3, p4] = numbers;
        OptimizerSettings settings{optimizer_of(name), p1, p2, p3, p4};
        if (!(clip_norm >= 0 && std::isfinite(clip_norm)))
            refuse("clip_norm must be a finite number of at least 0, which clips nothing (got " +
                   std::to_string(clip_norm) + ").");
        if (!(average < 1))
            refuse("average must be a number below 1, or a negative one for none (got " +
                   std::to_string(average) + ").");
        if (settings.kind == Optimizer::rmsprop) settings = {settings.kind, p1, 0, p2, 0};
        settings.clip_norm = clip_norm;
        settings.averages = average >= 0;
        settings.average = average;
        const OptimizerSettings& before = session_.optimizer();
        const bool changed = settings.kind != before.kind || settings.averages != before.averages;
        session_.set_optimizer(settings);
        if (changed) session_.set_moments(nullptr);
    }
    void set_moments(nb::handle moments) {
        const Use use(busy_);
        Held held;
        const std::vector<int64_t> shape{moment_count(session_.optimizer()), session_.size()};
        session_.set_moments(data_of<T>(moments, "moments", shape, held));
    }
    Output<T> moments() {
        const Use use(busy_);
        auto rows = new_array<T>({size_t(moment_count(session_.optimizer())), size_t(session_.size())});
        session_.moments(rows.data());
        return rows;
    }

    void bind(nb::object X, nb::object D, nb::object sample_weight) {
        const Use use(busy_);
        Held held;
        Samples<T> samples = samples_of<T>(X, inputs(), held);
        add_targets(samples, D, sample_weight, outputs(), held);
        session_.bind(samples);
        bound_.swap(held);
    }

    nb::tuple run(nb::object order, int64_t first_step, int64_t batch_size, nb::object rates, double l1,
                  double l2, double scale, int64_t clock, double carried, uint64_t key) {
        const Use use(busy_);
        Held held;
        RunPlan plan = run_plan_of(order, first_step, batch_size, rates, l1, l2, scale, clock, held);
        plan.carried = carried;
        plan.key = key;
        auto losses = std::vector<double>(size_t(session_.epochs_touched(plan)));
        plan.losses = losses.data();
        const RunReport report = outside([&] { return session_.run(plan); });
        return nb::make_tuple(report.steps, array_with(losses, report.epochs), report.finite);
    }

    /// Like `run` with steps of one row; gives beside its report z, a and δ of every layer, each
    /// (steps, units).
    nb::tuple trace(nb::object order, int64_t first_step, nb::object rates, double l1, double l2,
                    double scale, int64_t clock) {
        const Use use(busy_);
        Held held;
        RunPlan plan = run_plan_of(order, first_step, 1, rates, l1, l2, scale, clock, held);
        auto losses = std::vector<double>(size_t(session_.epochs_touched(plan)));
        plan.losses = losses.data();
        nb::list lists[3];
        std::vector<T*> places[3];
        for (int kind = 0; kind < 3; ++kind)
            for (const Layer& layer : session_.layers()) {
                auto numbers = new_array<T>({size_t(plan.steps), size_t(layer.units)});
                places[kind].push_back(numbers.data());
                lists[kind].append(numbers);
            }
        const Trace<T> to{places[0].data(), places[1].data(), places[2].data()};
        const RunReport report = outside([&] { return session_.trace(plan, to); });
        return nb::make_tuple(report.steps, array_with(losses, report.epochs), report.finite, lists[0],
                              lists[1], lists[2]);
    }

    /// The rows that `run_epochs` judges; X = None for none.
    void judge(nb::object X, nb::object D, nb::object sample_weight, const std::string& score, double middle,
               double n) {
        const Use use(busy_);
        std::optional<Validation<T>> rows;
        Held held;
        if (!X.is_none()) {
            rows.emplace();
            rows->samples = samples_of<T>(X, inputs(), held);
            add_targets(rows->samples, D, sample_weight, outputs(), held);
            rows->score = score_of(score);
            rows->middle = middle;
            rows->n = n;
        }
        session_.loop().judge(rows);
        session_.loop().forget();
        told_ = true;  // a report of rows that were judged before
        judged_.swap(held);
    }

    /// What `run_epochs` does from call to call. The objective is (n, l1, l2) with undivided strengths.
    void plan_epochs(nb::object order, int64_t batch_size, double l1, double l2, double scale, int64_t clock,
                     std::tuple<double, double, double> objective,
                     std::tuple<bool, double, int64_t, double, bool, double, double, bool> rules,
                     uint64_t key) {
        const Use use(busy_);
        EpochPlan plan;
        Held held;
        plan.work = work_of(order, batch_size, l1, l2, scale, clock, held);
        plan.work.key = key;
        if (plan.work.order.array) refuse("epochs need an order that is a rule (kind, key).");
        std::tie(plan.n, plan.l1, plan.l2) = objective;
        StopRules& to = plan.rules;
        std::tie(to.by_score, to.least, to.patience, to.rate, to.adaptive, to.divisor, to.smallest,
                 to.last_of_ties) = rules;
        plan_ = plan;
        session_.loop().forget();
    }

    /// One slice of a training. `place` is (epoch, step, carried loss, seconds), `standing` is
    /// (rate_factor, best_loss, best_score, stalled), `limits` are (steps, epochs, seconds of the
    /// slice). What was done stands in `report`, also where this raises.
    void run_epochs(std::tuple<int64_t, int64_t, double, double> place,
                    std::tuple<double, double, double, int64_t> standing,
                    std::tuple<int64_t, int64_t, double> limits, nb::object factors, bool judge) {
        const Use use(busy_);
        if (!plan_) refuse("plan the epochs before running them.");
        if (!session_.bound().target || session_.bound().rows < 1)
            refuse("bind the training rows before a run.");
        EpochPlan plan = *plan_;
        Standing& to = plan.standing;
        std::tie(plan.epoch, plan.step, plan.carried, plan.seconds) = place;
        std::tie(to.rate_factor, to.best_loss, to.best_score, to.stalled) = standing;
        std::tie(plan.steps, plan.epochs, plan.slice) = limits;
        plan.judge = judge;
        const int64_t rows = session_.bound().rows, most = largest / rows;
        const int64_t per_epoch = (rows - 1) / std::min(plan.work.batch_size, rows) + 1;
        if (plan.epoch < 0 || plan.epoch > most || plan.epochs < 1 || plan.epochs > 1 << 20 ||
            plan.steps < 1 || plan.step < 0 || plan.step > per_epoch)
            refuse("a slice must begin inside an epoch and have at least one step and one epoch.");
        Held held;
        if (!factors.is_none()) plan.factors = data_of<double>(factors, "factors", {plan.steps}, held);
        factors_.swap(held);
        told_ = false;
        outside([&] { return report_ = session_.run_epochs(plan), 0; });
    }

    /// (epochs, steps, step of the epoch at hand, its carried loss, verdict, whether a best score was
    /// met, standing, losses, seconds, validation losses, scores) of the last slice, told once; the last
    /// two are empty without rows to judge.
    nb::object report() {
        const Use use(busy_);
        if (told_) return nb::none();
        told_ = true;
        const EpochReport& done = report_;
        const EpochNumbers& numbers = session_.loop().numbers();
        const int64_t judged = judged_.empty() ? 0 : done.epochs;
        return nb::make_tuple(done.epochs, done.taken, done.step, done.carried, int(done.verdict), done.best,
                              nb::make_tuple(done.standing.rate_factor, done.standing.best_loss,
                                             done.standing.best_score, done.standing.stalled),
                              array_with(numbers.loss, done.epochs), array_with(numbers.seconds, done.epochs),
                              array_with(numbers.validation_loss, judged), array_with(numbers.score, judged));
    }
    void release() {
        const Use use(busy_);
        session_.loop().release();
        report_.best = false;  // it was among what is gone
    }
    void go_back() {
        const Use use(busy_);
        outside([&] { return session_.loop().go_back(), 0; });
    }
    Output<T> best() {
        const Use use(busy_);
        if (!report_.best) refuse("the last slice met no best score.");
        auto vector = new_array<T>({size_t(session_.size())});
        session_.loop().best(vector.data());
        return vector;
    }

    Output<T> best_buffers() {
        const Use use(busy_);
        if (!report_.best) refuse("the last slice met no best score.");
        auto numbers = new_array<T>({size_t(session_.buffer_size())});
        session_.loop().best_buffers(numbers.data());
        return numbers;
    }

    /// Steps of one row each from `epoch` of the planned ones on, see learner.cpp. Whoever has a learner
    /// leaves the session to it, but for reading numbers.
    nb::object learner(int64_t epoch, std::tuple<double, double, double, int64_t> standing,
                       ScalingText inputs, ScalingText targets, nb::object classes, nb::object table,
                       nb::object labels, nb::object weights, nb::object factors, int64_t repeats) {
        const Use use(busy_);
        if (!plan_) refuse("plan the epochs before a learner.");
        if (epoch < 0 || epoch > largest) refuse("epoch must be from 0 to 2**61.");
        if (repeats < 1 || outputs() % repeats) refuse("repeats must divide the outputs.");
        EpochPlan plan = *plan_;
        Standing& to = plan.standing;
        plan.epoch = epoch;
        std::tie(to.rate_factor, to.best_loss, to.best_score, to.stalled) = standing;
        return open_learner(
            nb::find(this), session_, busy_, plan,
            LearnerText{std::move(inputs), std::move(targets), repeats, std::move(classes), std::move(table),
                        std::move(labels), std::move(weights), std::move(factors)});
    }

    std::string road(int64_t batch_size, double l1) {
        const Use use(busy_);
        constexpr const char* names[] = {"batches", "one_pass", "look_ahead", "registers"};
        return names[int(session_.road(batch_size, l1))];
    }

    Output<T> predict(nb::object X) {
        const Use use(busy_);
        Held held;
        const Samples<T> samples = samples_of<T>(X, inputs(), held);
        auto predictions = new_array<T>({size_t(samples.rows), size_t(outputs())});
        outside([&] { return session_.predict(samples, predictions.data()), 0; });
        return predictions;
    }

    double loss(nb::object X, nb::object D, nb::object sample_weight) {
        const Use use(busy_);
        Held held;
        Samples<T> samples = samples_of<T>(X, inputs(), held);
        add_targets(samples, D, sample_weight, outputs(), held);
        return outside([&] { return session_.loss(samples); });
    }

    nb::tuple loss_gradient(nb::object X, nb::object D, nb::object sample_weight) {
        const Use use(busy_);
        Held held;
        Samples<T> samples = samples_of<T>(X, inputs(), held);
        add_targets(samples, D, sample_weight, outputs(), held);
        auto gradient = new_array<T>({size_t(session_.size())});
        const double loss = outside([&] { return session_.loss(samples, gradient.data()); });
        return nb::make_tuple(loss, gradient);
    }

private:
    int64_t inputs() const { return session_.inputs(); }
    int64_t outputs() const { return session_.layers().back().units; }

    /// Works without Python's lock; a signal handler that raised meanwhile raises from here.
    template <class Function>
    auto outside(Function work) {
        signals_.begin();
        auto result = [&] {
            nb::gil_scoped_release release;
            return work();
        }();
        if (session_.ended()) throw nb::python_error();
        return result;
    }

    Work work_of(nb::handle order, int64_t batch_size, double l1, double l2, double scale, int64_t clock,
                 Held& held) {
        if (!session_.bound().target) refuse("bind the training rows before a run.");
        if (batch_size < 1) refuse("batch_size must be at least 1 (got " + std::to_string(batch_size) + ").");
        if (clock < -largest || clock > largest)
            refuse("clock must be from -2**61 to 2**61 (got " + std::to_string(clock) + ").");
        Work work{{}, batch_size, l1, l2, scale, clock};
        set_order(work.order, order, held);
        if ((work.order.array ? work.order.length : session_.bound().rows) < 1)
            refuse("a run needs at least one row.");
        return work;
    }

    RunPlan run_plan_of(nb::handle order, int64_t first_step, int64_t batch_size, nb::handle rates, double l1,
                        double l2, double scale, int64_t clock, Held& held) {
        RunPlan plan;
        static_cast<Work&>(plan) = work_of(order, batch_size, l1, l2, scale, clock, held);
        plan.rates = data_of<double>(rates, "rates", {-1}, held);
        plan.steps = int64_t(held.back().shape(0));
        plan.first_step = first_step;
        if (first_step < 0 || first_step > largest)
            refuse("first_step must be from 0 to 2**61 (got " + std::to_string(first_step) + ").");
        return plan;
    }

    static Output<double> array_with(const std::vector<double>& numbers, int64_t count) {
        auto array = new_array<double>({size_t(count)});
        std::copy_n(numbers.begin(), count, array.data());
        return array;
    }

    void set_order(OrderSource& to, nb::handle order, Held& held) {
        if (nb::isinstance<nb::tuple>(order)) {
            std::string kind;
            if (nb::len(order) != 2 || !nb::try_cast<std::string>(order[0], kind))
                refuse("order must be an array of row numbers or the rule (kind, key).");
            to.kind = order_of(kind);
            to.key = number_of<uint64_t>(order[1], "the key of an order must be from 0 to 2**64 - 1");
            return;
        }
        to.array = data_of<int64_t>(order, "order", {-1}, held);
        to.length = int64_t(held.back().shape(0));
        for (int64_t i = 0; i < to.length; ++i)
            if (to.array[i] < 0 || to.array[i] >= session_.bound().rows)
                refuse("order must hold row numbers from 0 to " + std::to_string(session_.bound().rows - 1) +
                       " (got " + std::to_string(to.array[i]) + ").");
    }

    Signals signals_;
    bool busy_ = false;  ///< guarded by Python's lock
    Session<T> session_;
    Held bound_, judged_, factors_;  ///< whose memory the session refers to
    std::optional<EpochPlan> plan_;
    EpochReport report_;
    bool told_ = true;  ///< the report
};

template <class T>
void bind_session(nb::module_& m, const char* name) {
    nb::class_<Bound<T>>(m, name)
        .def("set_parameters", &Bound<T>::set_parameters, nb::arg("vector"))
        .def("parameters", &Bound<T>::parameters)
        .def("buffers", &Bound<T>::buffers)
        .def("set_buffers", &Bound<T>::set_buffers, nb::arg("buffers"))
        .def("publish", &Bound<T>::publish, nb::arg("yes"))
        .def("set_optimizer", &Bound<T>::set_optimizer, nb::arg("name"), nb::arg("numbers"),
             nb::arg("clip_norm") = 0.0, nb::arg("average") = -1.0)
        .def("set_moments", &Bound<T>::set_moments, nb::arg("moments"))
        .def("moments", &Bound<T>::moments)
        .def("bind", &Bound<T>::bind, nb::arg("X"), nb::arg("D"),
             nb::arg("sample_weight").none() = nb::none())
        .def("run", &Bound<T>::run, nb::arg("order"), nb::arg("first_step"), nb::arg("batch_size"),
             nb::arg("rates"), nb::arg("l1") = 0.0, nb::arg("l2") = 0.0, nb::arg("scale") = 1.0,
             nb::arg("clock") = 0, nb::arg("carried") = 0.0, nb::arg("key") = 0)
        .def("trace", &Bound<T>::trace, nb::arg("order"), nb::arg("first_step"), nb::arg("rates"),
             nb::arg("l1") = 0.0, nb::arg("l2") = 0.0, nb::arg("scale") = 1.0, nb::arg("clock") = 0)
        .def("judge", &Bound<T>::judge, nb::arg("X").none(), nb::arg("D").none(),
             nb::arg("sample_weight").none(), nb::arg("score"), nb::arg("middle"), nb::arg("n"))
        .def("plan_epochs", &Bound<T>::plan_epochs, nb::arg("order"), nb::arg("batch_size"), nb::arg("l1"),
             nb::arg("l2"), nb::arg("scale"), nb::arg("clock"), nb::arg("objective"), nb::arg("rules"),
             nb::arg("key") = 0)
        .def("run_epochs", &Bound<T>::run_epochs, nb::arg("place"), nb::arg("standing"), nb::arg("limits"),
             nb::arg("factors").none(), nb::arg("judge"))
        .def("report", &Bound<T>::report)
        .def("go_back", &Bound<T>::go_back)
        .def("release", &Bound<T>::release)
        .def("best", &Bound<T>::best)
        .def("best_buffers", &Bound<T>::best_buffers)
        .def("learner", &Bound<T>::learner, nb::arg("epoch"), nb::arg("standing"), nb::arg("inputs"),
             nb::arg("targets"), nb::arg("classes").none(), nb::arg("table").none(), nb::arg("labels").none(),
             nb::arg("weights").none(), nb::arg("factors").none(), nb::arg("repeats") = 1)
        .def("road", &Bound<T>::road, nb::arg("batch_size"), nb::arg("l1") = 0.0)
        .def("predict", &Bound<T>::predict, nb::arg("X"))
        .def("loss", &Bound<T>::loss, nb::arg("X"), nb::arg("D"),
             nb::arg("sample_weight").none() = nb::none())
        .def("loss_gradient", &Bound<T>::loss_gradient, nb::arg("X"), nb::arg("D"),
             nb::arg("sample_weight").none() = nb::none());
}

nb::object open_session(const std::vector<LayerText>& layers, const std::string& loss, double loss_parameter,
                        const std::string& dtype, int64_t asked, const std::vector<HeadText>& heads,
                        const std::vector<ExtraText>& extras, const PreludeText& prelude) {
    const int n_threads = int(std::clamp<int64_t>(asked, 1, 1 << 20));  // a session takes what is useful
    if (dtype == "float32")
        return made<Bound<float>>(layers, loss, loss_parameter, n_threads, heads, extras, prelude);
    if (dtype == "float64")
        return made<Bound<double>>(layers, loss, loss_parameter, n_threads, heads, extras, prelude);
    refuse("dtype must be 'float32' or 'float64' (got '" + dtype + "').");
}

}  // namespace

void bind_sessions(nb::module_& m) {
    bind_session<float>(m, "Session32");
    bind_session<double>(m, "Session64");
    m.def("Session", &open_session, nb::arg("layers"), nb::arg("loss"), nb::arg("loss_parameter") = 0.0,
          nb::arg("dtype") = "float64", nb::arg("n_threads") = 1, nb::arg("heads") = std::vector<HeadText>{},
          nb::arg("extras") = std::vector<ExtraText>{}, nb::arg("prelude") = no_prelude);
}

}  // namespace deltarule::bindings
