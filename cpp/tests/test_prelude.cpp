#include <algorithm>

#include "check.hpp"
#include "deltarule/predictor.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// Four frequencies less than a vector has lanes in float32, and columns in no order.
PreludeSettings embedding(int64_t inputs) {
    PreludeSettings found;
    found.inputs = inputs;
    found.columns = {inputs - 1, 1};
    found.frequencies = 5;
    found.width = 3;
    found.embedding_rate = 0.1;
    return found;
}

PreludeSettings scaling() {
    PreludeSettings found;
    found.scales = true;
    found.gain_rate = 6;
    return found;
}

PreludeSettings both(int64_t inputs) {
    PreludeSettings found = embedding(inputs);
    found.scales = true;
    found.gain_rate = 6;
    return found;
}

/// A network behind a prelude; `vector` are the prelude's numbers, then those of the layers.
struct Problem {
    PreludeSettings front;
    naive::Problem rest;
    naive::Numbers vector, X;
    int64_t inputs;

    /// A share of the inputs is zero, more or less.
    Problem(PreludeSettings of, int64_t inputs, Activation hidden, int64_t rows, double zeros = 0)
        : front(std::move(of)),
          rest({below(front, inputs), 19, 3}, hidden, Activation::softmax, Loss::log_loss, rows),
          inputs(inputs) {
        std::mt19937 source{uint32_t(rows)};
        std::normal_distribution<double> normal;
        std::uniform_real_distribution<double> uniform;
        for (int64_t i = front.size(below(front, inputs)); i > 0; --i) vector.push_back(0.6 * normal(source));
        vector.insert(vector.end(), rest.vector.begin(), rest.vector.end());
        naive::Numbers share(size_t(inputs), 1.0);
        for (double& each : share) each = uniform(source) < zeros ? 0.01 : 1;
        for (int64_t i = 0; i < rows * inputs; ++i)
            X.push_back(uniform(source) < share[size_t(i % inputs)] ? normal(source) : 0);
    }

    static int64_t below(const PreludeSettings& of, int64_t inputs) {
        return inputs + of.width * int64_t(of.columns.size());
    }

    /// What the first layer meets, in plain loops.
    naive::Numbers before_first(const naive::Numbers& at) const {
        const size_t count = front.columns.size(), waves = size_t(front.frequencies),
                     width = size_t(front.width);
        const double *const frequency = at.data(), *const phase = frequency + count * waves,
                            *const weight = phase + count * waves,
                            *const bias = weight + count * waves * width, *const gain = bias + count * width;
        naive::Numbers found;
        for (size_t row = 0; row < size_t(rest.rows); ++row) {
            const double* const x = &X[row * size_t(inputs)];
            naive::Numbers a(x, x + inputs);
            for (size_t c = 0; c < count; ++c)
                for (size_t j = 0; j < width; ++j) {
                    double sum = bias[c * width + j];
                    for (size_t f = c * waves; f < (c + 1) * waves; ++f)
                        sum += weight[f * width + j] *
                               std::cos(2 * M_PI * frequency[f] * x[front.columns[c]] + phase[f]);
                    a.push_back(sum);
                }
            for (size_t i = 0; front.scales && i < a.size(); ++i) a[i] *= gain[i];
            found.insert(found.end(), a.begin(), a.end());
        }
        return found;
    }

    naive::Numbers behind(const naive::Numbers& at) const {
        return naive::Numbers(at.end() - int64_t(rest.vector.size()), at.end());
    }

    double loss(const naive::Numbers& at) const {
        return naive::loss(rest.layers, rest.kind, rest.parameter, behind(at), before_first(at), rest.D,
                           rest.weight);
    }

    naive::Numbers predictions() const {
        const naive::Numbers a = before_first(vector), numbers = behind(vector);
        naive::Numbers found;
        for (size_t row = 0; row < size_t(rest.rows); ++row) {
            const auto one = naive::forward(rest.layers, numbers, &a[row * size_t(below(front, inputs))]).a;
            found.insert(found.end(), one.begin(), one.end());
        }
        return found;
    }
};

enum class Form { dense, entries, written };

/// The rows in the dtype of a session, dense or as CSR.
template <class T>
struct TypedProblem {
    std::vector<T> vector, X, D, weight, values;
    std::vector<int32_t> columns, starts{0};
    Samples<T> samples;

    TypedProblem(const Problem& of, Form form)
        : vector(of.vector.begin(), of.vector.end()),
          X(of.X.begin(), of.X.end()),
          D(of.rest.D.begin(), of.rest.D.end()),
          weight(of.rest.weight.begin(), of.rest.weight.end()) {
        samples.target = D.data();
        samples.weight = weight.data();
        samples.rows = of.rest.rows;
        samples.dense = X.data();
        if (form == Form::dense) return;
        for (size_t i = 0; i < X.size(); ++i) {
            if (X[i] != 0) values.push_back(X[i]), columns.push_back(int32_t(i % size_t(of.inputs)));
            if ((i + 1) % size_t(of.inputs) == 0) starts.push_back(int32_t(values.size()));
        }
        samples.dense = nullptr;
        samples.values = values.data();
        samples.columns32 = columns.data();
        samples.starts32 = starts.data();
        samples.written_out = form == Form::written;
    }
};

template <class T>
Session<T> open(const Problem& of, const TypedProblem<T>& typed, int threads = 1) {
    Session<T> session(of.rest.layers, of.rest.kind, of.rest.parameter, threads, {}, of.front);
    session.set_parameters(typed.vector.data());
    session.bind(typed.samples);
    return session;
}

std::vector<Problem> problems(int64_t rows) {
    return {{embedding(4), 4, Activation::tanh, rows},
            {scaling(), 4, Activation::tanh, rows},
            {both(4), 4, Activation::tanh, rows},
            {both(40), 40, Activation::softplus, rows, 0.9},
            {scaling(), 70, Activation::tanh, rows, 0.9}};
}

template <class T>
struct Found {
    double loss;
    std::vector<T> gradient, predictions;
};

template <class T>
Found<T> found(const Problem& of, Form form, int threads = 1) {
    const TypedProblem<T> typed(of, form);
    Session<T> session = open(of, typed, threads);
    Found<T> to{0, std::vector<T>(typed.vector.size()), std::vector<T>(typed.D.size())};
    to.loss = session.loss(typed.samples, to.gradient.data());
    session.predict(typed.samples, to.predictions.data());
    CHECK_NEAR(session.loss(typed.samples), to.loss, 1e-4 * std::abs(to.loss));
    return to;
}

}  // namespace

TEST("prelude", "an embedding and a scaling have a block of their own each, in front of the first layer") {
    const Problem problem(both(4), 4, Activation::tanh, 2);
    Panels<float> panels(problem.rest.layers, Loss::log_loss, 0, {}, problem.front);
    const OperationList list = list_operations(panels.layers(), panels.network().prelude);
    const OperationKind wanted[] = {OperationKind::embed, OperationKind::scale, OperationKind::affine,
                                    OperationKind::activation, OperationKind::affine};
    const int64_t outputs[] = {1, 2, 3, 3, 4};
    CHECK(list.operations.size() == 5);
    for (size_t i = 0; i < 5; ++i) {
        const Operation& each = list.operations[i];
        CHECK(each.kind == wanted[i] && each.output == outputs[i]);
        CHECK(each.input == outputs[i] - (each.kind != OperationKind::activation));
        CHECK(!each.listed && each.gate == (i == 4 ? Gate::kept : Gate::none));
    }
    CHECK((list.widths == std::vector<int64_t>{4, 10, 10, 19, 3, 19}));
    CHECK(list.kept == 2 * 2 * 5 + 19);
    CHECK(panels.size() == int64_t(problem.vector.size()) && !panels.single_rows());
    CHECK(inputs_of(panels.network()) == 4);
    Panels<float> scaled(problem.rest.layers, Loss::log_loss, 0, {}, scaling());
    const OperationList listed = list_operations(scaled.layers(), scaled.network().prelude);
    CHECK(listed.operations[0].listed && listed.operations[1].listed && !listed.operations[3].listed);
}

TEST_EACH_ISA("prelude", "losses, predictions and every slope are those of plain loops") {
    for (int64_t rows : {1, 9, 61})
        for (const Problem& problem : problems(rows)) {
            const Found<double> exact = found<double>(problem, Form::dense);
            CHECK_NEAR(exact.loss, problem.loss(problem.vector), 1e-11 * std::abs(exact.loss));
            const naive::Numbers predictions = problem.predictions();
            for (size_t i = 0; i < predictions.size(); ++i)
                CHECK_NEAR(exact.predictions[i], predictions[i], 1e-12);
            const size_t step = rows == 9 ? 1 : 7;
            for (size_t i = 0; i < exact.gradient.size(); i += step) {
                naive::Numbers up = problem.vector, down = up;
                up[i] += 1e-6;
                down[i] -= 1e-6;
                CHECK_NEAR((problem.loss(up) - problem.loss(down)) / 2e-6, exact.gradient[i],
                           1e-6 * double(rows));
            }
        }
}

TEST_EACH_ISA("prelude", "float32 stays near, rows of CSR and any number of threads give the same") {
    for (int64_t rows : {9, 500, 1700})
        for (const Problem& problem : problems(rows)) {
            const Found<double> exact = found<double>(problem, Form::dense);
            const Found<float> near = found<float>(problem, Form::dense);
            double largest = 0;
            for (double g : exact.gradient) largest = std::max(largest, std::abs(g));
            for (size_t i = 0; i < exact.gradient.size(); ++i)
                CHECK_NEAR(near.gradient[i], exact.gradient[i], 2e-5 * (largest + 1));
            CHECK(found<float>(problem, Form::dense, 3).gradient == near.gradient);
            for (Form form : {Form::entries, Form::written}) {
                const Found<float> sparse = found<float>(problem, form);
                CHECK(sparse.gradient == near.gradient && sparse.predictions == near.predictions);
                CHECK(sparse.loss == near.loss);
            }
        }
}

TEST_EACH_ISA("prelude", "each part moves at a step size of its own, and no penalty pulls at it") {
    for (const Problem& problem : problems(30)) {
        const TypedProblem<double> typed(problem, Form::dense);
        Session<double> session = open(problem, typed);
        std::vector<double> gradient(typed.vector.size());
        session.loss(typed.samples, gradient.data());
        const naive::Numbers rates(1, 0.3);
        RunPlan plan;
        plan.order.kind = OrderKind::sequential;
        plan.steps = 1;
        plan.batch_size = 30;
        plan.rates = rates.data();
        plan.l1 = plan.l2 = 0.5;
        session.run(plan);
        const std::vector<double> after = naive::parameters(session);
        const auto embedded = size_t(problem.front.embedding_size());
        const size_t all = typed.vector.size() - problem.rest.vector.size();
        for (size_t i = 0; i < all; ++i)
            CHECK_NEAR(after[i], typed.vector[i] - 0.3 * (i < embedded ? 0.1 : 6) * gradient[i] / 30, 1e-12);
        const double pulled = 0.5 * (typed.vector[all] > 0 ? 1 : -1) + 0.5 * typed.vector[all];
        CHECK_NEAR(after[all], typed.vector[all] - 0.3 * (gradient[all] / 30 + pulled), 1e-12);
    }
}

TEST_EACH_ISA("prelude", "steps of any size have the same bits for any number of threads and any rows") {
    for (const Problem& problem : problems(700)) {
        const auto trained = [&](Form form, int threads, int64_t batch, const OptimizerSettings& optimizer) {
            const TypedProblem<float> typed(problem, form);
            Session<float> session = open(problem, typed, threads);
            session.set_optimizer(optimizer);
            session.set_moments(nullptr);
            return naive::run(session, 6, batch, 1e-3, 1e-2);
        };
        OptimizerSettings clipped{Optimizer::adamw, 0.9, 0.95, 1e-8, 0.1};
        clipped.clip_norm = 0.05;
        clipped.averages = true;
        clipped.average = 0.9;
        for (const OptimizerSettings& optimizer : {OptimizerSettings{}, clipped})
            for (int64_t batch : {1, 61, 700}) {
                const auto once = trained(Form::dense, 1, batch, optimizer);
                CHECK(trained(Form::dense, 3, batch, optimizer) == once);
                CHECK(trained(Form::entries, 2, batch, optimizer) == once);
                CHECK(std::none_of(once.begin(), once.end(), [](float w) { return std::isnan(w); }));
            }
    }
}

TEST_EACH_ISA("prelude", "rows that are predicted one by one are those of plain loops") {
    const auto compare = [](auto zero, double allowed) {
        using T = decltype(zero);
        for (const Problem& problem : problems(7)) {
            const TypedProblem<T> typed(problem, Form::dense);
            const Predictor<T> predictor(problem.rest.layers, typed.vector.data(), {}, {}, {}, nullptr,
                                         problem.front);
            std::vector<T> got(typed.D.size());
            predictor.predict(RowsAt<T>{typed.X.data(), 7, predictor.inputs(), 1}, got.data());
            const naive::Numbers wanted = problem.predictions();
            for (size_t i = 0; i < wanted.size(); ++i) CHECK_NEAR(got[i], wanted[i], allowed);
        }
    };
    compare(0.0f, 2e-5);
    compare(0.0, 1e-12);
}
