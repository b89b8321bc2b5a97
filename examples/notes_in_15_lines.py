"""The lecture notes, transcribed: NumPy, two layers, no biases, one sample at a time.

`backpropagation` is the notes' last section line by line, with the slips mended that
docs/lecture-notes.md lists (h_l for h_k, δ_m from the old V). Run as a script it trains a 4-5-3
network on the iris flowers with i_t drawn with replacement, and compares with `deltarule`.
"""

from collections.abc import Callable, Iterable

import numpy as np


def backpropagation(X, D, W, V, order: Iterable[int], alpha: Callable[[int], float]):
    """W^T, V^T from the guess W^0, V^0: one step for each i_t in `order`, of size alpha(t)."""

    def sigma(z):
        return 1 / (1 + np.exp(-z))

    for t, i in enumerate(order):  # 2° i_t at random
        x, d = X[i], D[i]
        h = sigma(W @ x)  # 3° forward: h_m = σ(Σ_j W_mj x_j)
        d_hat = sigma(V @ h)  # d̂_k = σ(Σ_l V_kl h_l)
        delta_k = (d_hat - d) * d_hat * (1 - d_hat)  # 4° backward, first the deep delta
        delta_m = (delta_k @ V) * h * (1 - h)  # then the shallow one, from the old V
        V = V - alpha(t) * np.outer(delta_k, h)
        W = W - alpha(t) * np.outer(delta_m, x)
    return W, V


def main() -> None:
    """Train on the iris flowers both ways and print how far apart the weights are."""
    from sklearn.datasets import load_iris

    import deltarule as dr
    from deltarule.random import order

    X, species = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    D = np.eye(3)[species]

    network = dr.Network(units=(4, 5, 3), activations="logistic", loss="squared_error", bias=False)
    start = dr.initialize(network, seed=0)
    rows = np.concatenate([order("replacement", 0, epoch, len(X)) for epoch in range(67)])[:10_000]

    W, V = backpropagation(X, D, *start.weights, rows, lambda t: 0.5)
    ours = dr.run_steps(network, start, X, D, order=rows, learning_rate=0.5)

    outputs = dr.forward(network, ours, X).prediction
    print(f"{len(rows)} steps, {(outputs.argmax(axis=1) == species).mean():.1%} of the rows right")
    print(f"largest difference in W: {np.abs(ours.weights[0] - W).max():.1e}")
    print(f"largest difference in V: {np.abs(ours.weights[1] - V).max():.1e}")


if __name__ == "__main__":
    main()
