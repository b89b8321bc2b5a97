"""Prints which of S1 … S12 the installed scikit-learn's multilayer perceptron shows.

`python tools/sklearn_defects.py [module]`: one line for each, with what was measured and, where one
is known, the thread in which its users and maintainers speak of it. The module is
`sklearn.neural_network`, or another one with an `MLPClassifier` and an `MLPRegressor`: `deltarule`
shows none of them, which `tests/test_sklearn_defects.py` asserts, by these probes and by tests of
its own. Only what is public is touched, so the verdict on another release is as good as that on
1.9.1.

scikit-learn's maintainers keep the module small on purpose, and its tests are ours too
(`tests/test_sklearn_compat.py`); this page is no reproach, but says what a user can rely on.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.utils import estimator_checks
from threadpoolctl import threadpool_limits

ISSUE = "https://github.com/scikit-learn/scikit-learn/issues/"
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
#: A step size with which an epoch leaves the start weights as they are.
STILL = 1e-300


class Finding(NamedTuple):
    """Whether it is seen, and in numbers what was seen."""

    shown: bool
    evidence: str


def _fitted(kind: Any, X: Any, y: Any, weight: Any = None, **settings: Any) -> Any:
    """A fit with what the probes share: few units, sgd without momentum, the rows in order."""
    common = {
        "hidden_layer_sizes": (5,),
        "activation": "tanh",
        "solver": "sgd",
        "momentum": 0,
        "alpha": 0.0,
        "shuffle": False,
        "max_iter": 1,
        "random_state": 0,
    }
    model = kind(**{**common, **settings})
    return model.fit(X, y, **({} if weight is None else {"sample_weight": weight}))


def _gap(one: Any, other: Any) -> float:
    """The largest difference of two models' weights, relative to the largest weight."""
    ends = [np.concatenate([coef.ravel() for coef in model.coefs_]) for model in (one, other)]
    return float(np.abs(ends[0] - ends[1]).max() / np.abs(ends[1]).max())


def s1(home: Any) -> Finding:
    """The gradient of several outputs is that of the reported loss."""
    rng, rate = np.random.default_rng(0), 1e-6
    X, y = rng.normal(size=(12, 3)), rng.normal(size=(12, 4))
    still, once, twice = (
        _fitted(home.MLPRegressor, X, y, batch_size=12, learning_rate_init=size, max_iter=epochs)
        for size, epochs in ((STILL, 1), (rate, 1), (rate, 2))
    )
    pairs = zip((*still.coefs_, *still.intercepts_), (*once.coefs_, *once.intercepts_), strict=True)
    moved = sum(float(((after - before) ** 2).sum()) for before, after in pairs)
    # A step of length |s| = rate · c |∇L| makes the loss fall by |s|² / (rate · c).
    factor = moved / (rate * (twice.loss_curve_[0] - twice.loss_curve_[1]))
    return Finding(
        abs(factor - 1) > 1e-3,
        f"4 outputs: the gradient is {factor:.4f} times that of the reported loss",
    )


def s2(home: Any) -> Finding:
    """The decay of a step by the penalty does not depend on the batch size."""
    X, y = np.zeros((100, 3)), np.arange(100.0)
    decays = []
    for batch in (1, 10, 100):
        settings = {"alpha": 0.1, "batch_size": batch}
        start = _fitted(home.MLPRegressor, X, y, learning_rate_init=STILL, **settings)
        end = _fitted(home.MLPRegressor, X, y, learning_rate_init=0.01, **settings)
        share = np.linalg.norm(end.coefs_[0]) / np.linalg.norm(start.coefs_[0])
        decays.append(1 - share ** (batch / 100))
    text = ", ".join(f"{decay:.1e}" for decay in decays)
    return Finding(
        float(np.ptp(decays)) > 1e-8,
        f"alpha 0.1, rate 0.01, 100 rows: a step takes {text} of the weights at batch 1, 10, 100",
    )


def s3(home: Any) -> Finding:
    """A warm start after convergence trains on."""
    model = home.MLPClassifier((8,), learning_rate_init=0.05, warm_start=True, random_state=0)
    model.set_params(max_iter=1000)
    epochs = [model.fit(X_IRIS, Y_IRIS).n_iter_ for _ in range(4)]
    return Finding(max(epochs[1:]) == 1, f"epochs of four warm fits: {epochs}")


def s4(home: Any) -> Finding:
    """Warm fits with early stopping return the weights of the best validation score."""
    model = home.MLPClassifier(
        (8,), learning_rate_init=0.05, warm_start=True, early_stopping=True, random_state=0
    )
    model.fit(X_IRIS, Y_IRIS)
    drift = 0.0
    for _ in range(5):
        best, before = model.best_validation_score_, [coef.copy() for coef in model.coefs_]
        model.fit(X_IRIS, Y_IRIS)
        if model.best_validation_score_ == best:
            moved = zip(model.coefs_, before, strict=True)
            drift = max(drift, *(float(np.abs(now - then).max()) for now, then in moved))
    return Finding(
        drift > 0,
        f"with the best score unchanged, a refit moved the weights by up to {drift:.2g}",
    )


def s5(home: Any) -> Finding:
    """The early-stopping split keeps the shares of three and more classes.

    All rows are alike, so all are given the same class, and the validation accuracy is that class's
    share of the rows that were held back.
    """
    y = np.repeat([0, 1, 2], [100, 60, 40])
    settings = {"learning_rate_init": STILL, "early_stopping": True, "validation_fraction": 0.25}
    shares = set()
    for seed in range(12):
        model = _fitted(home.MLPClassifier, np.ones((200, 1)), y, random_state=seed, **settings)
        said = int(model.predict([[1.0]])[0])
        shares.add((said, round(model.validation_scores_[0] * 50)))
    counts = [[count for said, count in sorted(shares) if said == name] for name in range(3)]
    return Finding(
        len(shares) > len({said for said, _ in shares}),
        f"of 25, 15 and 10 rows of three classes, twelve seeds held back {counts}",
    )


def s6(home: Any) -> Finding:
    """lbfgs, which has no steps over part of the rows, offers no `partial_fit`."""
    offered = [
        name
        for name in ("MLPClassifier", "MLPRegressor")
        if hasattr(getattr(home, name)(solver="lbfgs"), "partial_fit")
    ]
    return Finding(bool(offered), f"partial_fit with lbfgs: {', '.join(offered) or 'nowhere'}")


def s7(home: Any) -> Finding:
    """N warm fits of one epoch are one fit of N: the optimiser's moments go on."""
    settings = {"solver": "adam", "learning_rate_init": 0.01, "batch_size": 30}
    whole = _fitted(home.MLPClassifier, X_IRIS, Y_IRIS, max_iter=10, **settings)
    parts = _fitted(home.MLPClassifier, X_IRIS, Y_IRIS, warm_start=True, **settings)
    for _ in range(9):
        parts.fit(X_IRIS, Y_IRIS)
    gap = _gap(parts, whole)
    return Finding(
        gap > 1e-12, f"Adam, 10 fits of one epoch and one of 10: weights differ by {gap:.1g}"
    )


def s8(home: Any) -> Finding:
    """A schedule of one's own, step by step, for every optimiser."""
    settings = {"batch_size": 30, "learning_rate_init": 0.1}
    refused = []
    for solver in ("sgd", "adam"):
        try:
            _fitted(
                home.MLPClassifier,
                X_IRIS,
                Y_IRIS,
                solver=solver,
                learning_rate=lambda step: 1.0 / (step + 1),
                **settings,
            )
        except ValueError:
            refused.append(solver)
    steady, scaled = (
        _fitted(home.MLPClassifier, X_IRIS, Y_IRIS, learning_rate=name, **settings)
        for name in ("constant", "invscaling")
    )
    return Finding(
        bool(refused),
        f"a function of the step is refused by: {', '.join(refused) or 'none'}; 'invscaling' "
        f"{'waits for' if _gap(steady, scaled) == 0 else 'changes within'} the end of an epoch",
    )


def s9(home: Any) -> Finding:
    """A non-finite objective ends the training where it appears, and finite weights are left."""
    model = home.MLPRegressor(
        hidden_layer_sizes=(50,),
        activation="identity",
        solver="sgd",
        learning_rate_init=1.0,
        max_iter=300,
        random_state=0,
    )
    with contextlib.suppress(ValueError):
        model.fit(X_IRIS, Y_IRIS)
    finite = all(np.isfinite(coef).all() for coef in model.coefs_)
    return Finding(
        not finite,
        f"noticed in epoch {model.n_iter_} of 300; weights left "
        f"{'finite' if finite else 'not finite'}",
    )


#: The estimator check that asks for words about the classes; those on weights count rows twice,
#: which one row a step cannot: there only a crash is a finding.
_LABEL_CHECK = "check_classifiers_one_label_sample_weights"
WEIGHT_CHECKS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
    _LABEL_CHECK,
)


def s10(home: Any) -> Finding:
    """Steps of one row meet rows of weight zero without trouble."""
    model = home.MLPClassifier(solver="sgd", batch_size=1, max_iter=5)
    failed = []
    for name in WEIGHT_CHECKS:
        try:
            getattr(estimator_checks, name)("MLPClassifier", model)
        except ZeroDivisionError:
            failed.append(f"{name} (division by zero)")
        except AssertionError:
            if name == _LABEL_CHECK:
                failed.append(name)
    return Finding(
        bool(failed),
        f"batch_size=1, {len(failed)} of three estimator checks fail: {', '.join(failed) or '–'}",
    )


def s11(home: Any) -> Finding:
    """The numbers do not depend on the number of threads."""
    X, y = load_digits(return_X_y=True)
    ends = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            model = home.MLPClassifier((300, 200), max_iter=1, random_state=0)
            ends.append(model.fit(X.astype(np.float32), y))
    gap = _gap(*ends)
    return Finding(gap > 0, f"digits, 1 and 2 threads: weights differ by {gap:.1g}")


def s12(home: Any) -> Finding:
    """Sample weights act in steps of one row."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    settings = {"batch_size": 1, "learning_rate_init": 0.01, "max_iter": 5}
    plain = _fitted(home.MLPRegressor, X, y, **settings)
    weighted = _fitted(home.MLPRegressor, X, y, np.geomspace(0.1, 50, 12), **settings)
    gap = _gap(weighted, plain)
    return Finding(
        gap < 1e-12, f"weights 0.1 … 50 at batch_size=1 change the coefs by {gap:.1g}, relative"
    )


#: The probe, and where scikit-learn's users and maintainers speak of its subject.
PROBES: dict[str, tuple[Callable[[Any], Finding], tuple[int, ...]]] = {
    "S1": (s1, (8349,)),
    "S2": (s2, (6780,)),
    "S3": (s3, (16812,)),
    "S4": (s4, ()),
    "S5": (s5, (13164,)),
    "S6": (s6, ()),
    "S7": (s7, (6091, 13656)),
    "S8": (s8, ()),
    "S9": (s9, (29504,)),
    "S10": (s10, (30155,)),
    "S11": (s11, (15266, 27518, 7280)),
    "S12": (s12, (11723,)),
}


def probe(name: str, home: Any) -> Finding:
    """One of S1 … S12 on the two classes of a module, without its warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return PROBES[name][0](home)


def main(arguments: list[str]) -> None:
    """Print a line for each of S1 … S12."""
    home = importlib.import_module(arguments[0] if arguments else "sklearn.neural_network")
    package = importlib.import_module(home.__name__.partition(".")[0])
    for name, (_, issues) in PROBES.items():
        shown, evidence = probe(name, home)
        links = " ".join(f"{ISSUE}{number}" for number in issues if package.__name__ == "sklearn")
        verdict = f"as of {package.__version__}: {'seen' if shown else 'not seen'}"
        print(f"{name:<4}{verdict}; {evidence}. {links}".rstrip(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
