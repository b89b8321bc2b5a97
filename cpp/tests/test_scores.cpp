#include <cmath>
#include <limits>

#include "check.hpp"
#include "deltarule/scores.hpp"

using namespace deltarule;

namespace {

struct Case {
    Score score;
    int64_t columns;
    std::vector<double> predictions, targets, weights;
    double wanted;
};

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double huge = std::numeric_limits<double>::infinity();

// By hand; the middle is 0.5.
const Case cases[] = {
    {Score::threshold, 1, {0.6, 0.5, 0.4, 0.9}, {1, 0, 1, 0}, {}, 0.5},
    {Score::threshold, 1, {0.6, 0.5, 0.4, 0.9}, {1, 0, 1, 0}, {3, 1, 0, 4}, 0.5},
    {Score::threshold, 2, {0.6, 0.1, 0.6, 0.6}, {1, 0, 1, 0}, {}, 0.5},
    {Score::largest, 3, {0.2, 0.5, 0.5, 0.9, 0.1, 0.1}, {0, 1, 0, 0, 0, 1}, {}, 0.5},
    {Score::largest, 2, {0.5, 0.5}, {0, 1}, {}, 0},
    {Score::votes, 2, {1, 1}, {0, 1}, {}, 0.5},
    {Score::votes, 3, {-1, -1, -1, 1, -1, -1}, {0, 0, 1, 1, 0, 0}, {1, 3}, (1.0 / 3 + 3) / 4},
    {Score::r2, 1, {1, 2, 2}, {1, 2, 3}, {}, 0.5},
    {Score::r2, 1, {1, 2, 2}, {1, 2, 3}, {1, 1, 0}, 1},
    {Score::r2, 2, {1, 5, 2, 5}, {1, 5, 2, 5}, {}, 1},  // a constant column, met
    {Score::r2, 2, {1, 4, 2, 5}, {1, 5, 2, 5}, {}, 0.5},
    {Score::r2, 1, {0, 0}, {1, 3}, {}, -4},
    {Score::r2, 1, {0, nan}, {1, 3}, {}, nan},
    {Score::largest, 2, {0, huge}, {0, 1}, {}, nan},
};

template <class T>
void check_case(const Case& from) {
    const std::vector<T> predictions(from.predictions.begin(), from.predictions.end()),
        targets(from.targets.begin(), from.targets.end()), weights(from.weights.begin(), from.weights.end());
    Samples<T> samples;
    samples.rows = int64_t(targets.size()) / from.columns;
    samples.target = targets.data();
    samples.weight = weights.empty() ? nullptr : weights.data();
    Scorer<T> scorer(from.score, 0.5, samples, from.columns);
    for (int again = 0; again < 2; ++again) CHECK_NEAR(scorer.value(predictions.data()), from.wanted, 1e-15);
}

}  // namespace

TEST("scores", "values by hand") {
    for (const Case& each : cases) {
        check_case<float>(each);
        check_case<double>(each);
    }
}
