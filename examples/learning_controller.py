"""Control that learns while it works: the inverse of a plant, one step a tick.

The next value of a plant follows from its value and the control, in a way that nobody knows and
that changes: halfway its actuator wears off. The network learns from every tick which control has
led from one value to the next (Widrow, Walach: Adaptive Inverse Control, 1996). Asked for the
control that leads to the wanted value, it is the controller. Beside it works one that stops
learning before the wear.
"""

from collections.abc import Callable

import numpy as np

import deltarule as dr

TICKS, WEAR = 12_000, 6_000


class Plant:
    """A value, and a control that moves it."""

    def __init__(self) -> None:
        self.value = 0.0

    def go(self, control: float, tick: int) -> float:
        """The next value."""
        gain = 1.0 if tick < WEAR else 0.6
        self.value = 0.7 * self.value + gain * np.tanh(control)
        return self.value


def bounded(predict: Callable, value: float, wanted: float, curiosity: float = 0.0) -> float:
    """What the controller asks for, as far as the actuator goes."""
    return float(np.clip(predict([value, wanted]) + curiosity, -2, 2))


def main() -> np.ndarray:
    """Print how far both plants are from the wanted value; return it for every thousand ticks."""
    model = dr.MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", solver="sgd", momentum=0)
    model.set_params(learning_rate_init=0.2, alpha=0, random_state=0)
    learner = model.partial_fit([[0.0, 0.0]], [0.0]).learner()
    plant, other, frozen = Plant(), Plant(), None

    rng, missed = np.random.default_rng(0), np.zeros((TICKS, 2))
    for tick in range(TICKS):
        wanted = 0.5 * np.sin(tick / 40) + 0.3 * np.sin(tick / 17)
        before = plant.value
        control = bounded(learner.predict, before, wanted, 0.02 * rng.normal())
        learner.step([before, plant.go(control, tick)], control)
        missed[tick, 0] = abs(plant.value - wanted)
        if tick == WEAR:
            frozen, other.value = learner.sync().predictor(), before
        if frozen is not None:
            other.go(bounded(frozen, other.value, wanted), tick)
            missed[tick, 1] = abs(other.value - wanted)

    means = missed.reshape(12, -1, 2).mean(axis=1)
    print("mean distance from the wanted value, in every thousand ticks")
    print("learning on:", " ".join(f"{mean:.3f}" for mean in means[:, 0]))
    print("not since the wear:", " ".join(f"{mean:.3f}" for mean in means[6:, 1]))
    return means


if __name__ == "__main__":
    main()
