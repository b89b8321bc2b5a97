#include <limits>

#include "check.hpp"
#include "deltarule/stopping.hpp"

using namespace deltarule;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Epochs until the rules end it, by losses; 0 where they do not.
int ends(const StopRules& rules, const std::vector<double>& numbers, Verdict wanted) {
    Standing standing{1, infinity, -infinity, 0};
    for (size_t i = 0; i < numbers.size(); ++i) {
        const Noted noted = note(rules, standing, rules.by_score ? 1 : numbers[i], numbers[i]);
        const Verdict verdict = noted.improved ? Verdict::go_on : plateau(rules, standing);
        if (verdict == Verdict::go_on) continue;
        CHECK(verdict == wanted);
        return int(i) + 1;
    }
    return 0;
}

}  // namespace

TEST("stopping", "more than `patience` epochs in a row without the least improvement") {
    CHECK(ends({false, 0.5, 2}, {9, 8, 7.5, 7.25, 7.1, 7.1}, Verdict::converged) == 6);
    CHECK(ends({false, 0.5, 2}, {9, 9, 9, 8, 8, 8, 8}, Verdict::converged) == 7);
    CHECK(ends({false, 0, 0}, {9, 9, 9.5}, Verdict::converged) == 3);
    CHECK(ends({false, 0.5, -1}, {9, 9, 9, 9, 9, 9}, Verdict::converged) == 0);
}

TEST("stopping", "scores go up, and a score that is no number is no improvement") {
    CHECK(ends({true, 0.1, 1}, {0.1, 0.2, 0.25, 0.25}, Verdict::no_improvement) == 4);
    CHECK(ends({true, 0.1, 1}, {0.1, NAN, NAN}, Verdict::no_improvement) == 3);
    Standing standing{1, infinity, 0.5, 0};
    const Noted noted = note({true, 0.1, 1}, standing, 3, 0.55);
    CHECK(noted.best && !noted.improved && standing.best_score == 0.55 && standing.stalled == 1);
    CHECK(standing.best_loss == 3);
}

TEST("stopping", "of epochs with the same score the first is the best, or the last") {
    for (bool last : {false, true}) {
        StopRules rules{true, 0.1, -1};
        rules.last_of_ties = last;
        Standing standing{1, infinity, 0.5, 0};
        CHECK(note(rules, standing, 3, 0.5).best == last);
        CHECK(!note(rules, standing, 3, 0.25).best && !note(rules, standing, 3, NAN).best);
        CHECK(note(rules, standing, 3, 0.55).best && note(rules, standing, 3, 0.55).best == last);
        CHECK(standing.best_score == 0.55 && standing.stalled == 5);
    }
}

TEST("stopping", "a plateau divides the step size until it is small") {
    const StopRules rules{false, 0, 0, 0.1, true, 10, 0.001};
    Standing standing{1, 1, -infinity, 0};
    for (double factor : {0.1, 0.01}) {
        note(rules, standing, 2, 0);
        CHECK(plateau(rules, standing) == Verdict::go_on && standing.rate_factor == factor);
        CHECK(standing.stalled == 0);
    }
    note(rules, standing, 2, 0);
    CHECK(plateau(rules, standing) == Verdict::step_too_small && standing.rate_factor == 0.01);
}
