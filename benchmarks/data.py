"""The rows that are trained on, by name: ``load(name, dtype)`` gives X, D and y.

Made data come from one seed, so every side makes the same ones for itself. MNIST and adult are
read from the folder that DELTARULE_DATA names, or else from ``shared/data`` beside the project;
where there is none, rows that need them are left out with a sentence.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

BESIDE = Path(__file__).parent.parent.parent / "shared" / "data"


class MissingDataError(RuntimeError):
    """A file of data is not on this machine."""


def file(name: str) -> Path:
    """Where a data file lies."""
    path = Path(os.environ.get("DELTARULE_DATA") or BESIDE) / name
    if not path.exists():
        raise MissingDataError(
            f"{name} is not here. Name the folder that holds it with DELTARULE_DATA."
        )
    return path


def load(name: str, dtype: str, rows: int | None = None) -> tuple[Any, Any, Any]:
    """X, the targets D as numbers, and y as a person has it.

    ``normal 20 2 3200``: so many inputs, classes and rows, labelled by a random network.
    """
    kind, *numbers = name.split()
    X, y = MAKERS[kind](*map(int, numbers))
    D = y.reshape(len(y), -1) if kind == "xor" or y.ndim > 1 else np.eye(int(y.max()) + 1)[y]
    X, D, y = X[:rows], D[:rows], y[:rows]
    if y.dtype.kind != "i":
        y = np.ascontiguousarray(y[:, 0] if y.shape[1] == 1 else y, dtype=dtype)
    return np.ascontiguousarray(X, dtype=dtype), np.ascontiguousarray(D, dtype=dtype), y


def expm() -> tuple[Any, Any]:
    """10 000 normal 2×2 matrices and their exponentials, both as vectors."""
    X = np.random.default_rng(0).standard_normal((10000, 4))
    return X, matrix_exponential(X.reshape(-1, 2, 2)).reshape(-1, 4)


def matrix_exponential(A: Any) -> Any:
    """e^A for each of many 2×2 matrices: e^m (cosh q · 1 + sinh q / q · (A − m·1)).

    m is half the trace and q² = −det(A − m·1), which is negative where the eigenvalues are complex.
    """
    m = np.trace(A, axis1=1, axis2=2) / 2
    deviation = A - m[:, None, None] * np.eye(2)
    q = np.sqrt((-np.linalg.det(deviation)).astype(complex))
    even, odd = np.cosh(q).real, np.where(q == 0, 1.0, (np.sinh(q) / np.where(q == 0, 1, q)).real)
    inner = even[:, None, None] * np.eye(2) + odd[:, None, None] * deviation
    return np.exp(m)[:, None, None] * inner


def xor(rows: int) -> tuple[Any, Any]:
    """So many rows drawn of the four points of XOR."""
    points = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    X = points[np.random.default_rng(0).integers(0, 4, rows)]
    return X, (X[:, 0] != X[:, 1]).astype(int)


def scaled(X: Any) -> Any:
    """Columns of mean 0 and deviation 1."""
    deviation = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)


def iris() -> tuple[Any, Any]:
    """Scikit-learn's iris, scaled."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    return scaled(X), y


def digits(rows: int = 0) -> tuple[Any, Any]:
    """Scikit-learn's digits, scaled; so many rows drawn of them, or all."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = scaled(X)
    if rows:
        drawn = np.random.default_rng(0).integers(0, len(X), rows)
        X, y = X[drawn], y[drawn]
    return X, y


def normal(inputs: int, outputs: int, rows: int) -> tuple[Any, Any]:
    """Normal inputs, and as class the largest output of a random network of one hidden layer."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, inputs), dtype=np.float32)
    W, V = rng.standard_normal((inputs, 8)) / np.sqrt(inputs), rng.standard_normal((8, outputs))
    y = np.argmax(np.tanh(X @ W) @ V, axis=1)
    y[:outputs] = np.arange(outputs)  # every class occurs
    return X, y


def smooth(inputs: int, outputs: int, rows: int) -> tuple[Any, Any]:
    """Normal inputs, and targets from a random network of one hidden layer, with some noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, inputs))
    W, V = rng.standard_normal((inputs, 8)) / np.sqrt(inputs), rng.standard_normal((8, outputs))
    return X, np.tanh(X @ W) @ V + 0.1 * rng.standard_normal((rows, outputs))


def diabetes() -> tuple[Any, Any]:
    """Scikit-learn's diabetes, scaled."""
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return scaled(X), y[:, None]


def mnist_part(part: str, name: str = "mnist") -> tuple[Any, Any]:
    """MNIST/255, or Fashion-MNIST/255, 784 columns: the part ``"train"`` or ``"test"``."""
    with np.load(file(f"{name}.npz")) as arrays:
        X, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
    return X.reshape(len(X), 784).astype(np.float32) / np.float32(255), y.astype(np.int64)


def mnist() -> tuple[Any, Any]:
    """MNIST's raw pixels over 255: 19 % of them are not zero."""
    return mnist_part("train")


def mnist_dense() -> tuple[Any, Any]:
    """MNIST less the mean of all pixels, over their deviation: no zero is left."""
    X, y = mnist_part("train")
    return (X - X.mean()) / X.std(), y


def adult() -> tuple[Any, Any]:
    """The adult table: numbers scaled, categories one-hot, holes a category of their own."""
    import csv
    import gzip

    with gzip.open(file("adult.csv.gz"), "rt", encoding="utf-8", newline="") as text:
        header, *table = csv.reader(text)
    columns = dict(zip(header, zip(*table, strict=True), strict=True))
    *inputs, target = header
    parts = []
    for name in inputs:
        values = np.array(columns[name])
        try:
            parts.append(scaled(np.array(values, dtype=float)[:, None]))
        except ValueError:
            parts.append((values[:, None] == np.unique(values)[None, :]).astype(float))
    return np.hstack(parts), np.unique(columns[target], return_inverse=True)[1].astype(np.int64)


MAKING = (expm, xor, iris, digits, normal, smooth, diabetes, mnist, mnist_dense, adult)
MAKERS: dict[str, Any] = {maker.__name__: maker for maker in MAKING}
