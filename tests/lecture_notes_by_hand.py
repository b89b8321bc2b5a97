"""What the tests of the lecture notes share: the notes' sums by hand, differences, short calls.

The names are those of docs/lecture-notes.md; capitals hold one step of the 3-5-2 network, worked
out here without the package: H = h, GUESS = d̂, DELTA_K, DELTA_M.
"""

import importlib.util
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris, load_wine

import deltarule as dr

__all__ = [
    "DELTA_K",
    "DELTA_M",
    "GUESS",
    "NETWORK",
    "NORMAL",
    "RATE",
    "START",
    "TRACE",
    "D",
    "H",
    "V",
    "W",
    "X",
    "d",
    "differences",
    "fifteen_lines",
    "gradient",
    "iris",
    "loss",
    "mean_loss",
    "near",
    "neuron",
    "numeric_gradient",
    "objective",
    "rosenblatt",
    "run",
    "sigma",
    "train",
    "wine",
    "x",
]

ROOT = Path(__file__).parents[1]
NORMAL = dr.initializers.Normal(1.0)
NETWORK = dr.Network(units=(3, 5, 2), activations="logistic", loss="squared_error", bias=False)
START = dr.initialize(NETWORK, seed=1, initializer=NORMAL)
W, V = START.weights
X = np.array([[0.5, -1.0, 0.8], [1.0, 0.2, -0.4], [-0.3, 0.9, 0.1]])
D = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
x, d = X[0], D[0]
RATE = 0.5
TRACE = dr.trace_step(NETWORK, START, x, d, RATE)


def sigma(z):
    return 1 / (1 + np.exp(-z))


H = sigma(W @ x)
GUESS = sigma(V @ H)
DELTA_K = (GUESS - d) * GUESS * (1 - GUESS)
DELTA_M = H * (1 - H) * (V.T @ DELTA_K)


def loss(W, V, x=x, d=d):
    """The notes' f^i."""
    return 0.5 * np.sum((sigma(V @ sigma(W @ x)) - d) ** 2)


def differences(f, array, step=1e-6):
    """∂f/∂array by central differences; f may return an array, whose axes come first."""
    array = np.array(array, dtype=float)
    slopes = []
    for place in np.ndindex(array.shape):
        up, down = array.copy(), array.copy()
        up[place] += step
        down[place] -= step
        slopes.append((f(up) - f(down)) / (2 * step))
    return np.moveaxis(np.array(slopes), 0, -1).reshape(*np.shape(f(array)), *array.shape)


def near(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def objective(network, parameters, X, D, **options):
    return dr.objective(network, parameters, X, D, engine="reference", **options)


def gradient(network, parameters, X, D, **options):
    return dr.gradient(network, parameters, X, D, engine="reference", **options)


def numeric_gradient(network, parameters, X, D):
    """∇J by central differences, shaped as parameters."""
    return parameters.replace(
        vector=differences(
            lambda vector: objective(network, parameters.replace(vector=vector), X, D),
            parameters.vector,
        )
    )


def mean_loss(parameters):
    """J of the 3-5-2 network on the three rows."""
    return objective(NETWORK, parameters, X, D)


def run(parameters, rows, rate=RATE, network=NETWORK, X=X, D=D, engine="reference"):
    return dr.run_steps(network, parameters, X, D, order=rows, learning_rate=rate, engine=engine)


def train(network, start, X, D, **plan):
    plan = dr.TrainingPlan(learning_rate_init=RATE, **plan)
    return dr.train(network, start, X, D, plan, engine="reference")


def neuron(activation, weights, **options):
    network = dr.Network((len(weights), 1), activation, bias=False, **options)
    return network, dr.initialize(network).replace(vector=np.array(weights, dtype=float))


def iris():
    """Standardised rows and one column of targets per species."""
    rows, species = load_iris(return_X_y=True)
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return np.ascontiguousarray(rows), np.eye(3)[species]


def wine():
    """Raw rows and one column of targets per cultivar."""
    rows, cultivar = load_wine(return_X_y=True)
    return rows, np.eye(3)[cultivar]


def fifteen_lines():
    """The transcription of the notes in examples/."""
    place = ROOT / "examples" / "notes_in_15_lines.py"
    spec = importlib.util.spec_from_file_location("notes_in_15_lines", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.backpropagation


def rosenblatt(points, labels, weights, rows, rate):
    """The perceptron rule as Rosenblatt has it; also the number of mistakes."""
    mistakes = 0
    for i in rows:
        if labels[i] * (points[i] @ weights) <= 0:
            weights = weights + rate * labels[i] * points[i]
            mistakes += 1
    return weights, mistakes
