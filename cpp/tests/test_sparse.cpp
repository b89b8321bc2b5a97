#include "check.hpp"
#include "deltarule/meetings.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// CSR of a dense problem: every third entry kept, or one of 32, so that a strip leaves columns out; a few
/// zeros stored, one row empty.
template <class T, class Index>
struct Sparse {
    std::vector<T> values;
    std::vector<Index> columns, starts = {0};

    Sparse(naive::Problem& problem, size_t width, bool few = false) {
        for (size_t i = 0; i < problem.X.size(); ++i) {
            const size_t row = i / width, at = i * 7 + row;
            const bool empty = row == 7, keep = at % (few ? 32 : 3) == 0;
            if (empty || !keep || i % 11 == 0) problem.X[i] = 0;
            if (!empty && keep) values.push_back(T(problem.X[i])), columns.push_back(Index(i % width));
            if (i % width == width - 1) starts.push_back(Index(values.size()));
        }
    }
    Samples<T> samples(const naive::Typed<T>& typed, bool written_out = false) const {
        Samples<T> all = typed.samples;
        all.written_out = written_out;
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
const Case cases[] = {{{21, 18, 3}, 57, 10, true},    {{5, 1}, 40, 7, true},
                      {{70, 100, 4}, 200, 61, false}, {{70, 30, 2}, 90, 30, true},
                      {{41, 5, 2}, 120, 8, true},     {{300, 70, 3}, 1000, 1000, true},
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
void compare(bool few) {
    for (const Case& each : cases) {
        const Activation last = each.units.back() > 1 ? Activation::softmax : Activation::logistic;
        naive::Problem problem(each.units, Activation::tanh, last, Loss::log_loss, each.rows, each.bias);
        const Sparse<T, Index> sparse(problem, size_t(each.units[0]), few);
        const naive::Typed<T> typed(problem);
        Session<T> dense = naive::open(problem, typed);
        const auto wanted = numbers(dense, typed.samples, each);
        for (bool written_out : {false, true}) {
            Session<T> rows = naive::open(problem, typed, 3);
            CHECK(numbers(rows, sparse.samples(typed, written_out), each) == wanted);
        }
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

TEST_EACH_ISA("sparse", "CSR rows, by entry or written out, give the bits of dense rows") {
    for (bool few : {false, true}) {
        compare<float, int32_t>(few);
        compare<float, int64_t>(few);
        compare<double, int32_t>(few);
        compare<double, int64_t>(few);
    }
}

TEST_EACH_ISA("sparse", "steps of one CSR row give what dense rows give") {
    compare_steps_of_one_row<float, int32_t>(1e-5);
    compare_steps_of_one_row<double, int64_t>(1e-13);
}

TEST("sparse", "CSR is written out where rows that lie together meet in the same columns") {
    // 60 rows of 4 entries: in the same 8 columns, or each in columns of its own.
    for (bool together : {true, false}) {
        std::vector<int32_t> columns, starts = {0};
        for (int32_t row = 0; row < 60; ++row) {
            for (int32_t i = 0; i < 4; ++i) columns.push_back(together ? 2 * i + row % 2 : 4 * row + i);
            starts.push_back(int32_t(columns.size()));
        }
        Samples<float> samples;
        samples.rows = 60;
        const std::vector<float> values(columns.size(), 1);
        samples.values = values.data();
        samples.columns32 = columns.data();
        samples.starts32 = starts.data();
        CHECK(meet_in_columns(samples, 240) == together);
        samples.rows = 5;  // too few to tell
        CHECK(!meet_in_columns(samples, 240));
    }
}
