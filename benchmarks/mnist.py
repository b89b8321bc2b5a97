"""Two whole trainings on MNIST, judged on its test rows; one core.

``the same settings`` are those of scikit-learn's own benchmark of its MLPClassifier on MNIST, for
both sides, until the loss no longer improves. ``98 %`` are settings of ours that reach a test
accuracy of 98.0 % with little work; scikit-learn is given the same ones but for what it lacks.

    python benchmarks/mnist.py SIDE NAME      prints one of them as JSON
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from protocol import environment, pin

SAME: dict[str, Any] = {
    "hidden_layer_sizes": (100, 100),
    "solver": "sgd",
    "learning_rate_init": 0.2,
    "momentum": 0.9,
    "alpha": 1e-4,
    "batch_size": 200,
    "tol": 1e-4,
    "max_iter": 400,
    "random_state": 1,
}
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (200,),
    "solver": "adam",
    "learning_rate_init": 0.004,
    "batch_size": 128,
    "max_iter": 6,
    "random_state": 0,
}
#: What scikit-learn has no parameter for.
OURS_ALONE: dict[str, Any] = {"learning_rate": "one_cycle"}
TRAININGS = {"the same settings": SAME, "98 %": QUICK}


def measure(side: str, name: str) -> dict[str, Any]:
    """One training in a process of its own, pinned to one core."""
    command = [sys.executable, __file__, side, name]
    answer = subprocess.run(
        command,
        env=environment(1),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        check=False,
    )
    if answer.returncode != 0:
        last = (answer.stderr.strip().splitlines() or ["no word"])[-1]
        return {"side": side, "name": name, "error": last[:300]}
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def train(side: str, name: str) -> dict[str, Any]:
    """Fit, judge on the test rows, and say how."""
    import data

    X, y = data.mnist_part("train")
    X_test, y_test = data.mnist_part("test")
    settings = dict(TRAININGS[name])
    if side == "estimator":
        from deltarule import MLPClassifier

        if name == "98 %":
            settings |= OURS_ALONE
        else:  # scikit-learn's penalty is divided by the batch, ours by the rows
            settings["alpha"] *= len(X) / settings["batch_size"]
    else:
        from sklearn.neural_network import MLPClassifier
    estimator = MLPClassifier(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began, began_cpu = time.perf_counter(), time.process_time()
        estimator.fit(X, y)
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {
        "side": side,
        "name": name,
        "settings": settings,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "epochs": int(estimator.n_iter_),
        "loss": float(estimator.loss_),
        "test_accuracy": float(estimator.score(X_test, y_test)),
    }


def line(found: dict[str, Any]) -> str:
    """One training for the terminal."""
    who = f"  {found['side']:<10}{found['name']:<19}"
    if "error" in found:
        return f"{who}not measured ({found['error']})"
    return (
        f"{who}{found['cpu_seconds']:7.2f} CPU s, {found['epochs']} epochs, loss "
        f"{found['loss']:.4f}, test accuracy {found['test_accuracy']:.4f}"
    )


if __name__ == "__main__":
    pin()
    print(json.dumps(train(sys.argv[1], sys.argv[2])))
