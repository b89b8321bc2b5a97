"""A scarce measurement, learned with the help of cheap answers, on simulated data.

Ten readings of a machine hide two features. What is wanted is an expensive number, known of 40
machines; three cheap yes-or-no answers, which hang on the same features, are known of 400. One
network for all four problems is held against one for the number alone, whose penalty is even chosen
by the test rows. Run it: ``python examples/scarce_targets.py``.
"""

from __future__ import annotations

import numpy as np

import deltarule as dr

SETTINGS = {"activation": "tanh", "solver": "lbfgs", "max_iter": 2000, "tol": 1e-3}
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)


def machines(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Readings of shape (900, 10); the number and the three answers, shape (900, 4)."""
    generator = np.random.default_rng(seed)
    weights = 2 * generator.normal(size=(10, 2)) / np.sqrt(10)
    X = generator.normal(size=(900, 10))
    a, b = np.tanh(X @ weights).T
    return X, np.column_stack([a - b + a * b, a + b > 0, a - b > 0.3, a * b > 0])


def main(seed: int = 0) -> tuple[float, float]:
    """R² of the number on 500 other machines: learned with the answers, and alone."""
    X, y = machines(seed)
    known = y[:400].copy()
    known[40:, 0] = np.nan
    heads = {0: dr.Task("regression", weight=3.0)}
    together = dr.MultiTaskMLP(heads, (12,), alpha=1.0, random_state=0, **SETTINGS).fit(
        X[:400], known
    )
    scores = together.scores(X[400:], y[400:])
    alone = max(
        dr.MultiTaskMLP({0: "regression"}, (12,), alpha=alpha, random_state=0, **SETTINGS)
        .fit(X[:40], y[:40, :1])
        .score(X[400:], y[400:, :1])
        for alpha in PENALTIES
    )
    answers = ", ".join(f"{scores[name]:.2f}" for name in (1, 2, 3))
    print(f"the number, learned with the answers: R² {scores[0]:.2f}")
    print(f"the number alone, the best penalty:   R² {alone:.2f}")
    print(f"the answers:                          accuracy {answers}")
    return scores[0], alone


if __name__ == "__main__":
    main()
