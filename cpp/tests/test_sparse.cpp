#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// CSR of a dense problem: every third entry kept, a few zeros stored, one row empty.
template <class T, class Index>
struct Sparse {
    std::vector<T> values;
    std::vector<Index> columns, starts = {0};

    Sparse(naive::Problem& problem, size_t width) {
        for (size_t i = 0; i < problem.X.size(); ++i) {
            const bool empty = i / width == 7, keep = (i * 7 + i / width) % 3 == 0;
            if (empty || !keep || i % 11 == 0) problem.X[i] = 0;
            if (!empty && keep) values.push_back(T(problem.X[i])), columns.push_back(Index(i % width));
            if (i % width == width - 1) starts.push_back(Index(values.size()));
        }
    }
    Samples<T> samples(const naive::Typed<T>& typed) const {
        Samples<T> all = typed.samples;
        all.dense = nullptr;
        all.values = values.data();
        if constexpr (sizeof(Index) == 4) all.columns32 = columns.data(), all.starts32 = starts.data();
        else all.columns64 = columns.data(), all.starts64 = starts.data();
        return all;
    }
};

struct Case {
    std::vector<int64_t> units;
    int64_t rows, batch;
    bool bias;
};

// Widths beside multiples of a vector; batches in strips, in chunks and in parts.
const Case cases[] = {{{21, 18, 3}, 57, 10, true},
                      {{5, 1}, 40, 7, true},
                      {{70, 100, 4}, 200, 61, false},
                      {{300, 70, 3}, 1000, 1000, true},
                      {{30, 20, 3}, 1000, 900, true}};

template <class T>
std::vector<T> numbers(Session<T>& session, const Samples<T>& samples, const Case& each) {
    session.bind(samples);
    std::vector<T> found = naive::run(session, 9, each.batch), gradient(found.size()),
                   predictions(size_t(each.rows * each.units.back()));
    found.push_back(T(session.loss(samples, gradient.data())));
    found.push_back(T(session.loss(samples)));
    session.predict(samples, predictions.data());
    found.insert(found.end(), gradient.begin(), gradient.end());
    found.insert(found.end(), predictions.begin(), predictions.end());
    return found;
}

template <class T, class Index>
void compare() {
    for (const Case& each : cases) {
        const Activation last = each.units.back() > 1 ? Activation::softmax : Activation::logistic;
        naive::Problem problem(each.units, Activation::tanh, last, Loss::log_loss, each.rows, each.bias);
        const Sparse<T, Index> sparse(problem, size_t(each.units[0]));
        const naive::Typed<T> typed(problem);
        Session<T> dense = naive::open(problem, typed), rows = naive::open(problem, typed, 3);
        CHECK(numbers(rows, sparse.samples(typed), each) == numbers(dense, typed.samples, each));
    }
}

/// The per-sample road.
template <class T, class Index>
void compare_steps_of_one_row(double tolerance) {
    naive::Problem problem({21, 18, 3}, Activation::relu, Activation::softmax, Loss::log_loss, 57);
    const Sparse<T, Index> sparse(problem, 21);
    const naive::Typed<T> typed(problem);
    Session<T> dense = naive::open(problem, typed), rows = naive::open(problem, typed);
    rows.bind(sparse.samples(typed));
    const auto wanted = naive::run(dense, 120, 1), found = naive::run(rows, 120, 1);
    for (size_t i = 0; i < wanted.size(); ++i) CHECK_NEAR(double(found[i]), double(wanted[i]), tolerance);
}

}  // namespace

TEST_EACH_ISA("sparse", "CSR rows give the bits of dense rows") {
    compare<float, int32_t>();
    compare<float, int64_t>();
    compare<double, int32_t>();
    compare<double, int64_t>();
}

TEST_EACH_ISA("sparse", "steps of one CSR row give what dense rows give") {
    compare_steps_of_one_row<float, int32_t>(1e-5);
    compare_steps_of_one_row<double, int64_t>(1e-13);
}
