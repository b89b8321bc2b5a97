"""Measure the tabular estimators beside scikit-learn's, table by table and fold by fold.

    python benchmarks/tabular.py [--tables NAME,NAME] [--methods NAME,NAME] [--folds N]
                                 [--workers N] [--output FILE] [--no-documents]

The tables are those of `datasets`; each is divided into five folds, the same for every method. A
method is fitted on four fifths of the rows and judged on the rest, by one thread; seconds are those
of the processor, for the fit alone. What was measured of others before stays in the JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "tabular.json"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "DELTARULE_NUM_THREADS")
METHODS = ("linear", "boosting", "sklearn_mlp", "sklearn_mlp_scaled", "fast", "default", "best")
#: What is measured where nobody says what; ``"best"`` takes many times as long.
USUAL = METHODS[:-1]
PRESETS = ("fast", "default", "best")


def main() -> int:
    """Measure the tables and methods asked for."""
    import datasets

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", help=f"of {', '.join(datasets.TABLES)}, with commas")
    parser.add_argument("--methods", help=f"of {', '.join(METHODS)}, with commas")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--no-documents", action="store_true", help="write the JSON alone")
    options = parser.parse_args()
    tables = options.tables.split(",") if options.tables else list(datasets.TABLES)
    methods = options.methods.split(",") if options.methods else list(USUAL)
    measure(tables, methods, options.folds, options.workers, options.output)
    if not options.no_documents:
        import tabular_texts

        tabular_texts.write()
    return 0


def measure(
    tables: list[str], methods: list[str], folds: int, workers: int, output: Path
) -> dict[str, Any]:
    """All tables and methods; the JSON is written after every fold, so that nothing is lost."""
    import datasets
    import machine

    for name in ONE_THREAD:  # read when the processes load their libraries
        os.environ[name] = "1"
    result = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {"tables": {}}
    result |= {"machine": machine.machine(), "versions": machine.versions()}
    result["runs"] = [*earlier(result, tables, methods), this_run(tables, methods)]
    jobs = [
        (name, method, fold)
        for fold in range(folds)
        for name in tables
        for method in methods
        if not (method == "sklearn_mlp_scaled" and datasets.TABLES[name].task in datasets.CLASSES)
    ]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(run, *job): job for job in jobs}
        for done in as_completed(waiting):
            name, method, fold = waiting[done]
            found = done.result()
            entry = result["tables"].setdefault(name, {"task": datasets.TABLES[name].task})
            each = entry.setdefault("methods", {}).setdefault(method, {})
            each[str(fold)] = found
            # What others let wait beside our own processes, at its worst.
            this = result["runs"][-1]
            this["load"] = max(this["load"], machine.load() - workers)
            output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            shown = "  ".join(f"{key} {value:.4f}" for key, value in found.items())
            print(f"{name:20} {method:18} fold {fold}  {shown}", flush=True)
    return result


def this_run(tables: list[str], methods: list[str]) -> dict[str, Any]:
    """What is measured now, and when; its load is that of others, at its worst."""
    return {"methods": methods, "tables": tables, "date": date.today().isoformat(), "load": 0.0}


def earlier(result: dict[str, Any], tables: list[str], methods: list[str]) -> list[dict[str, Any]]:
    """The runs of which something is left when these methods on these tables are measured."""
    found = []
    for one in result.get("runs", []):
        if set(one["tables"]) <= set(tables):
            one = one | {"methods": [name for name in one["methods"] if name not in methods]}
        if one["methods"]:
            found.append(one)
    return found


def run(name: str, method: str, fold: int) -> dict[str, float]:
    """One method on one fold of one table: score, log loss of classes, seconds of the fit."""
    import datasets
    from sklearn.metrics import accuracy_score, log_loss, r2_score

    warnings.simplefilter("ignore")
    X, y, task = datasets.load(name)
    training, test = datasets.folds(y, task)[fold]
    classes = task in datasets.CLASSES
    model = make(method, X, classes)
    began = time.process_time()
    model.fit(X.iloc[training], y.iloc[training])
    seconds = time.process_time() - began
    X_test, actual = X.iloc[test], y.iloc[test]
    began = time.process_time()
    predicted = model.predict(X_test)
    asked = time.process_time() - began
    if not classes:
        score = r2_score(actual, predicted)
        return {"score": float(score), "seconds": seconds, "predict_seconds": asked}
    shares = model.predict_proba(X_test)
    return {
        "score": float(accuracy_score(actual, predicted)),
        "log_loss": float(log_loss(actual, shares, labels=model.classes_)),
        "seconds": seconds,
        "predict_seconds": asked,
    }


def make(method: str, X: Any, classes: bool) -> Any:
    """An unfitted model."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import deltarule as dr

    if method in PRESETS:
        kind: Any = dr.TabularClassifier if classes else dr.TabularRegressor
        return kind(method, random_state=0, n_threads=1)
    if method == "boosting":
        kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        model = kind(random_state=0, categorical_features="from_dtype")
        return model if classes else _each_target(model)
    if method == "linear":
        model = LogisticRegression(max_iter=1000) if classes else Ridge()
    else:
        model = (MLPClassifier if classes else MLPRegressor)(random_state=0)
    pipeline = make_pipeline(_prepared(X), model)
    if method != "sklearn_mlp_scaled":
        return pipeline
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler())


def _each_target(model: Any) -> Any:
    from sklearn.multioutput import MultiOutputRegressor

    class PerTarget(MultiOutputRegressor):
        """Several targets one by one; a single one as it is."""

        def fit(self, X: Any, y: Any) -> Any:
            if y.ndim == 1:
                self._alone = self.estimator.fit(X, y)
                return self
            return super().fit(X, y)

        def predict(self, X: Any) -> Any:
            return self._alone.predict(X) if hasattr(self, "_alone") else super().predict(X)

    return PerTarget(model)


def _prepared(X: Any) -> Any:
    """Numbers filled and standardized, words in columns of 0 and 1."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    words = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore"),
    )
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (words, make_column_selector(dtype_exclude="number")),
    )


if __name__ == "__main__":
    raise SystemExit(main())
