#pragma once
#include <cstdint>

/// When a training ends: the rules of the Python side's `stopping`, with the same bits.
namespace deltarule {

struct StopRules {
    bool by_score = false;  ///< judge the validation score, not the training loss
    double least = 0;       ///< change that counts as an improvement
    int64_t patience = 0;   ///< epochs in a row without one that are borne; below 0: any number
    double rate = 0;        ///< step size that `Standing::rate_factor` multiplies
    bool adaptive = false;  ///< a plateau divides the step size as long as it is above `smallest`
    double divisor = 1, smallest = 0;
    bool last_of_ties = false;  ///< a score that equals the best so far takes its place
};

/// What the rules remember from epoch to epoch.
struct Standing {
    double rate_factor = 1;
    double best_loss = 0, best_score = 0;
    int64_t stalled = 0;  ///< epochs without improvement
};

enum class Verdict : int { go_on, converged, no_improvement, step_too_small, non_finite };

struct Noted {
    bool improved;  ///< by the least change that counts
    bool best;      ///< the score is the best so far
};

inline Noted note(const StopRules& rules, Standing& standing, double loss, double score) {
    Noted noted{loss <= standing.best_loss - rules.least, false};
    if (rules.by_score) {
        const bool ties = rules.last_of_ties && score == standing.best_score;
        noted = {score >= standing.best_score + rules.least, score > standing.best_score || ties};
        if (noted.best) standing.best_score = score;
    }
    if (!(standing.best_loss < loss)) standing.best_loss = loss;
    standing.stalled = noted.improved ? 0 : standing.stalled + 1;
    return noted;
}

/// To be asked after an epoch without improvement.
inline Verdict plateau(const StopRules& rules, Standing& standing) {
    if (rules.patience < 0 || standing.stalled <= rules.patience) return Verdict::go_on;
    if (!rules.adaptive) return rules.by_score ? Verdict::no_improvement : Verdict::converged;
    if (rules.rate * standing.rate_factor <= rules.smallest) return Verdict::step_too_small;
    standing.rate_factor /= rules.divisor;
    standing.stalled = 0;
    return Verdict::go_on;
}

}  // namespace deltarule
