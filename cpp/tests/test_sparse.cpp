#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// CSR of a dense problem, every third entry kept.
template <class T, class Index>
struct Sparse {
    std::vector<T> values;
    std::vector<Index> columns, starts = {0};

    Sparse(naive::Problem& problem, size_t width) {
        for (size_t i = 0; i < problem.X.size(); ++i) {
            if ((i * 7 + i / width) % 3) problem.X[i] = 0;
            else values.push_back(T(problem.X[i])), columns.push_back(Index(i % width));
            if (i % width == width - 1) starts.push_back(Index(values.size()));
        }
    }
};

template <class T, class Index>
void compare() {
    for (int64_t batch : {1, 10}) {
        naive::Problem problem({21, 18, 3}, Activation::relu, Activation::softmax, Loss::log_loss, 57);
        const Sparse<T, Index> sparse(problem, 21);
        const naive::Typed<T> typed(problem);
        Samples<T> samples = typed.samples;
        samples.dense = nullptr;
        samples.values = sparse.values.data();
        if constexpr (sizeof(Index) == 4)
            samples.columns32 = sparse.columns.data(), samples.starts32 = sparse.starts.data();
        else samples.columns64 = sparse.columns.data(), samples.starts64 = sparse.starts.data();
        Session<T> dense = naive::open(problem, typed), rows = naive::open(problem, typed);
        rows.bind(samples);
        const auto wanted = naive::run(dense, 120, batch), found = naive::run(rows, 120, batch);
        for (size_t i = 0; i < wanted.size(); ++i)
            CHECK_NEAR(double(found[i]), double(wanted[i]), sizeof(T) == 4 ? 1e-5 : 1e-13);
        CHECK_NEAR(rows.loss(samples), dense.loss(typed.samples), 1e-5);
    }
}

}  // namespace

TEST_EACH_ISA("sparse", "CSR rows give what dense rows give") {
    compare<float, int32_t>();
    compare<double, int64_t>();
}
