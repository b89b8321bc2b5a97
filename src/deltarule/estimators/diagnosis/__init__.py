"""Diagnosis: what ails a fitted network, measured, with a remedy for each finding.

`diagnose` makes a `Subject` of estimator and rows, sends it through the checks (`rows`, `units`,
`descent`, `fit`), each of which writes what it measured into a `Book`, and returns the `Diagnosis`.
The measures are `deltarule.measures`; the thresholds stand, with their reasons, at the head of the
checks; ``docs/diagnosis.md`` says what each finding means.
"""

from __future__ import annotations

from typing import Any

from deltarule.estimators.diagnosis.book import Book
from deltarule.estimators.diagnosis.descent import check_descent
from deltarule.estimators.diagnosis.fit import check_fit
from deltarule.estimators.diagnosis.report import Diagnosis, Finding
from deltarule.estimators.diagnosis.rows import check_rows
from deltarule.estimators.diagnosis.subject import Subject
from deltarule.estimators.diagnosis.units import check_units

__all__ = ["Diagnosis", "Finding", "diagnose"]


def diagnose(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, feature_names: Any = None
) -> Diagnosis:
    """Look for what ails a fitted network, and say what to do about it.

    Rows, units, deltas, steps, loss curve and objective are measured and compared with thresholds;
    nothing of the estimator changes. Of many rows the network is measured on a sample, the same
    in each call.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or MultiTaskMLP
        Fitted; one that was loaded from a file which was saved with ``state=False`` has no state
        of its optimiser, and what needs it is left out.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training rows, or rows that were held back: these show overfit. NaN and infinity are
        findings, not errors.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets; for a `MultiTaskMLP` a frame or matrix with a column for each head, with
        holes, and what is said of a head names it.
    sample_weight : array-like of shape (n_samples,), default=None
        As for `fit`.
    feature_names : sequence of str, default=None
        Names of the columns where X has none; else those of `fit`, else their numbers.

    Returns
    -------
    Diagnosis
        ``print`` it, show it in a notebook, or ask for ``findings``, `to_json` and `to_html`.

    Raises
    ------
    InvalidParameterError
        If `estimator` is none of ours.
    InvalidShapeError
        If X, y and estimator do not fit together.

    Notes
    -----
    ``docs/diagnosis.md`` says of each finding what it means, how it is measured and where its
    threshold comes from.

    Examples
    --------
    >>> import deltarule as dr
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = dr.MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0)
    >>> model = model.set_params(max_iter=5000).fit(X, y)
    >>> dr.diagnose(model, X, y).codes
    ('unscaled_inputs', 'unscaled_targets')
    >>> model = model.set_params(standardize="both", alpha=1.0).fit(X, y)
    >>> dr.diagnose(model, X, y).codes
    ()
    """
    subject, book = Subject(estimator, X, y, sample_weight, feature_names), Book()
    for check in (check_rows, check_units, check_descent, check_fit):
        check(subject, book)
    units = "-".join(map(str, subject.network.widths))
    return book.closed(f"{type(estimator).__name__} {units}", subject.rows, subject.sample)
