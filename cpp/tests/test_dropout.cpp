#include <algorithm>

#include "check.hpp"
#include "naive_kinds.hpp"

using namespace deltarule;

namespace {

constexpr int64_t units = 37;

/// One input, units that are 1 where they are kept, and an output for each: what the bias of an output
/// moves by in a step is what the unit is in the one row that weighs.
std::vector<Layer> mirror(int64_t keep, int64_t number) {
    Layer hidden{1, units, Activation::identity, 0, false, 0, 0, 0};
    hidden.keep = keep;
    hidden.dropout = number;
    return {hidden, {units, units, Activation::identity, 0, true, 0, 0, 0}};
}

/// The units of row `row` among `rows` of a batch, as a step meets them.
template <class T>
std::vector<T> met(int64_t keep, int64_t number, int64_t rows, int64_t row, uint64_t key, int64_t clock,
                   int64_t batch) {
    naive::Kinds problem(mirror(keep, number),
                         {{0, units, Loss::squared_error, {0}, 1, Activation::identity, 0}}, rows);
    problem.key = key;
    problem.clock = clock;
    problem.X.assign(size_t(rows), 1);
    problem.D.assign(size_t(rows * units), 0);
    problem.weight.assign(size_t(rows), 0);
    problem.weight[size_t(row)] = double(std::min(batch, rows - row / batch * batch));
    problem.vector.assign(size_t(units + units * units + units), 0);
    for (size_t i = 0; i < size_t(units); ++i)
        problem.vector[i] = problem.vector[size_t(units + i * (units + 1))] = 1;
    const naive::TypedKinds<T> typed(problem);
    Session<T> session = naive::open(problem, typed);
    naive::steps(session, problem, 1, batch, 1, row / batch);
    const std::vector<T> after = naive::parameters(session);
    std::vector<T> found;
    for (auto entry = after.end() - units; entry != after.end(); ++entry) found.push_back(-*entry);
    return found;
}

template <class T>
void check_mask(int64_t keep, int64_t rows, int64_t row, uint64_t key, int64_t clock, int64_t batch) {
    const std::vector<T> found = met<T>(keep, 0, rows, row, key, clock, batch);
    const uint64_t blocks = (units + 15) / 16, in_batch = uint64_t(row % batch);
    std::vector<uint64_t> drawn(size_t(blocks * 4));
    words(key, uint64_t(Stream::dropout), uint64_t(clock + row / batch), in_batch * blocks * 4,
          int64_t(blocks * 4), drawn.data());
    for (size_t unit = 0; unit < size_t(units); ++unit) {
        const auto number = int64_t(drawn[unit / 4] >> (16 * (unit % 4)) & 0xFFFF);
        CHECK_NEAR(double(found[unit]), number < keep ? 65536.0 / double(keep) : 0, 1e-5);
    }
}

}  // namespace

TEST_EACH_ISA("dropout", "units are kept by the words of their row, on every way that rows are cut") {
    for (int64_t keep : {1, 20000, 65535}) {
        for (int64_t row : {0, 1, 6, 15, 23, 24, 47, 48, 60}) {
            check_mask<float>(keep, 61, row, 5, 9, 61);
            check_mask<double>(keep, 61, row, uint64_t(1) << 63, 0, 61);
        }
        for (int64_t row : {0, 95, 96, 399, 400, 783})  // in parts
            check_mask<float>(keep, 800, row, 7, 2, 800);
        for (int64_t row : {60, 61, 122, 183}) check_mask<float>(keep, 184, row, 7, 2, 61);
    }
}

TEST_EACH_ISA("dropout", "layers, keys and steps draw numbers of their own") {
    const auto first = met<float>(32768, 0, 5, 3, 1, 1, 5);
    CHECK(met<float>(32768, 0, 5, 3, 1, 1, 5) == first);
    CHECK(met<float>(32768, 1, 5, 3, 1, 1, 5) != first);
    CHECK(met<float>(32768, 0, 5, 3, 2, 1, 5) != first);
    CHECK(met<float>(32768, 0, 5, 3, 1, 2, 5) != first);
    CHECK(met<float>(32768, 0, 5, 4, 1, 1, 5) != first);
}

TEST_EACH_ISA("dropout", "a unit that is infinite may be dropped, and nothing drops out of predictions") {
    const float infinity = INFINITY;
    naive::Kinds problem(mirror(1, 0), {{0, units, Loss::squared_error, {0}, 1, Activation::identity, 0}}, 5);
    naive::TypedKinds<float> typed(problem);
    typed.vector[3] = infinity;
    for (float& x : typed.X) x = std::abs(x) + 1;
    Session<float> session = naive::open(problem, typed);
    CHECK(naive::steps(session, problem, 1, 5, 1e-9).finite);
    CHECK(!std::isfinite(session.loss(typed.samples)));
}
