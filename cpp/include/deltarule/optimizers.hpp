#pragma once
#include "deltarule/penalties.hpp"

/// The optimisers on one vector of weights w with gradient g and step size α.
///
///   sgd       w -= α g
///   momentum  v = μ v - α g,  w += v
///   nesterov  v = μ v - α g,  w += μ v - α g
///   adam      m = β₁ m + (1-β₁) g,  v = β₂ v + (1-β₂) g²,  w -= α_t m / (√v + ε),
///             α_t = α √(1-β₂^t) / (1-β₁^t), t = 1, 2, …
///   adamw     adam, then w -= α · weight_decay · (w before the step) where penalised
///   rmsprop   v = ρ v + (1-ρ) g²,  w -= α g / (√v + ε)
namespace deltarule::DELTARULE_ISA {

/// One vector; `m` and `s` are the first and the second moment. Returns the new w. `u` is an `Update`,
/// or has vectors under the same names, with numbers of their own for each lane.
template <Optimizer kind, Penalty penalty, class T, class Numbers>
DELTARULE_INLINE Vec<T> update_vector(const Numbers& u, Vec<T> g, T* weight, T* m, T* s) {
    const Vec<T> w = load(weight);
    g = penalised<penalty, T>(g, w, u.l1, u.l2);
    Vec<T> next;
    if constexpr (kind == Optimizer::sgd) {
        next = subtract_product<T>(g, u.rate, w);
    } else if constexpr (kind == Optimizer::momentum || kind == Optimizer::nesterov) {
        Vec<T> velocity = subtract_product<T>(g, u.rate, load(m) * u.first);
        store(m, velocity);
        next =
            w + (kind == Optimizer::momentum ? velocity : subtract_product<T>(g, u.rate, velocity * u.first));
    } else if constexpr (kind == Optimizer::rmsprop) {
        Vec<T> square = multiply_add<T>(load(s), u.first, g * g * (T(1) - u.first));
        store(s, square);
        next = w - g * u.rate / (square_root<T>(square) + u.epsilon);
    } else {
        Vec<T> mean = multiply_add<T>(load(m), u.first, g * (T(1) - u.first));
        Vec<T> square = multiply_add<T>(load(s), u.second, g * g * (T(1) - u.second));
        store(m, mean);
        store(s, square);
        next = w - mean * u.rate / (square_root<T>(square) + u.epsilon);
        if constexpr (kind == Optimizer::adamw && penalty != Penalty::none)
            next = subtract_product<T>(w, u.decay, next);
    }
    store(weight, next);
    return next;
}

/// `count` numbers, a multiple of the vector width, from position `at` of the store on, with gradient g.
template <Optimizer kind, Penalty penalty, class T>
void update_range(const Update<T> u, const Store<T> store, const T* g, int64_t at, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes<T>)
        update_vector<kind, penalty, T>(u, load(g + i), store.weights + at + i, store.moment + at + i,
                                        store.square + at + i);
}

/// Calls `act.template operator()<kind>()` for the optimiser chosen at run time.
template <class Action>
DELTARULE_INLINE auto with_optimizer(Optimizer kind, Action act) {
    switch (kind) {
        case Optimizer::momentum: return act.template operator()<Optimizer::momentum>();
        case Optimizer::nesterov: return act.template operator()<Optimizer::nesterov>();
        case Optimizer::adam: return act.template operator()<Optimizer::adam>();
        case Optimizer::adamw: return act.template operator()<Optimizer::adamw>();
        case Optimizer::rmsprop: return act.template operator()<Optimizer::rmsprop>();
        default: return act.template operator()<Optimizer::sgd>();
    }
}

/// The same for the penalty; a decay alone counts as a square of strength zero.
template <class T, class Action>
DELTARULE_INLINE auto with_penalty(const Update<T>& u, Action act) {
    if (u.l1 != 0) return act.template operator()<Penalty::both>();
    if (u.l2 != 0 || u.kind == Optimizer::adamw) return act.template operator()<Penalty::square>();
    return act.template operator()<Penalty::none>();
}

}  // namespace deltarule::DELTARULE_ISA
