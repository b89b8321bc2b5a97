"""Pictures: what is drawn where, and that nothing overlaps."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning

import deltarule as dr
from deltarule.displays import (
    ActivationsDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    WeightsDisplay,
)
from deltarule.engines import base
from deltarule.exceptions import TrainingStoppedWarning

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

X, Y = load_iris(return_X_y=True)
NAMES = load_iris().feature_names
IRIS = dr.MLPClassifier((16,), learning_rate_init=0.02, max_iter=500, random_state=0)
IRIS.fit(X, load_iris().target_names[Y])
DIGITS = dr.MLPClassifier((100, 50), early_stopping=True, random_state=0, tol=1e-3)
DIGITS.fit(*load_digits(return_X_y=True))
SMALL = dr.MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", random_state=0, tol=1e-2)
SMALL.fit(X[:, :2], X[:, 2])
LINEAR = dr.MLPClassifier((), solver="lbfgs", random_state=0, tol=1e-2).fit(X, Y > 0)
SEVERAL = dr.MultiTaskMLP(hidden_layer_sizes=(6,), random_state=0, early_stopping=True)
SEVERAL.set_params(learning_rate_init=0.02, max_iter=400).fit(
    X[:, :3],
    [[a, b, c] for a, b, c in zip(X[:, 3], load_iris().target_names[Y], Y > 0, strict=True)],
)
MODELS = {"iris": IRIS, "digits": DIGITS, "small": SMALL, "linear": LINEAR, "several": SEVERAL}


@pytest.fixture(autouse=True)
def no_figure_is_left_open():
    yield
    plt.close("all")


def words_in(figure):
    """(word, its box in pixels) for everything written that is seen."""
    figure.draw_without_rendering()
    beyond = set()  # ticks have labels outside of the axes too, which are not drawn
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low <= tick.get_loc() <= high:
                beyond |= {tick.label1, tick.label2}
    found = []
    for text in set(figure.findobj(matplotlib.text.Text)) - beyond:
        if text.get_visible() and text.get_text().strip() not in ("", "⋮"):
            found.append((text.get_text(), text.get_window_extent()))
    return [(word, box) for word, box in found if box.width > 0]


def check_layout(figure):
    """All words lie inside the figure, and no two on each other."""
    words = words_in(figure)
    assert words
    for index, (word, box) in enumerate(words):
        inside = figure.bbox.padded(2)
        assert inside.x0 <= box.x0, word
        assert inside.y0 <= box.y0, word
        assert box.x1 <= inside.x1, word
        assert box.y1 <= inside.y1, word
        for other, its in words[index + 1 :]:
            assert not box.padded(-1).overlaps(its.padded(-1)), (word, other)


DRAW = {
    "loss": lambda model: LossCurveDisplay.from_estimator(model),
    "weights": lambda model: WeightsDisplay.from_estimator(model),
    "network": lambda model: NetworkDisplay.from_estimator(model),
    "outputs": lambda model: ActivationsDisplay.from_estimator(model, rows_of(model)),
    "z": lambda model: ActivationsDisplay.from_estimator(
        model, rows_of(model), of="pre_activations"
    ),
}


def rows_of(model):
    return load_digits().data[:50] if model is DIGITS else X[:, : model.n_features_in_]


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        *(("network", model) for model in MODELS),
        ("loss", "digits"), ("loss", "linear"), ("weights", "digits"), ("weights", "small"),
        ("outputs", "iris"), ("z", "digits"),
    ],
)  # fmt: skip
def test_nothing_overlaps(model, kind):
    check_layout(DRAW[kind](MODELS[model]).figure_)


# ---------------------------------------------------------------- the loss curve


def test_loss_curve():
    display = LossCurveDisplay.from_estimator(IRIS)
    epochs, losses = display.line_.get_data()
    assert epochs.tolist() == list(range(1, IRIS.n_iter_ + 1))
    assert losses.tolist() == IRIS.loss_curve_
    assert display.line_.get_label() == "training loss"
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("epoch", "loss")
    assert display.ax_.get_yscale() == "log"
    assert display.validation_line_ is display.score_line_ is display.best_line_ is None
    assert display.score_ax_ is None
    assert display.figure_ is display.ax_.figure


def test_loss_curve_with_validation():
    display = LossCurveDisplay.from_estimator(DIGITS)
    assert display.validation_line_.get_ydata().tolist() == DIGITS.validation_loss_curve_
    assert display.score_line_.get_ydata().tolist() == DIGITS.validation_scores_
    assert display.score_line_.axes is display.score_ax_ is not display.ax_
    best = int(np.argmax(DIGITS.validation_scores_)) + 1
    assert display.best_line_.get_xdata()[0] == display.best_epoch == best
    assert display.best_line_.get_ydata()[0] == DIGITS.validation_loss_curve_[best - 1]
    styles = [line.get_linestyle() for line in (
        display.line_, display.validation_line_, display.score_line_)]  # fmt: skip
    assert styles == ["-", "--", ":"]


def test_the_best_epoch_is_that_of_the_weights():
    model = dr.MLPClassifier((4,), max_iter=6, early_stopping=True, random_state=0)
    X, y = load_iris(return_X_y=True)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    model.validation_scores_ = [*model.validation_scores_[:-1], 2.0]  # of other judges
    assert LossCurveDisplay.from_estimator(model).best_epoch == model.best_epoch_ + 1 < 6
    with pytest.warns(ConvergenceWarning):
        model.set_params(early_stopping=False).fit(X, y, X_val=X, y_val=y)
    assert LossCurveDisplay.from_estimator(model).best_line_ is None


def test_loss_curve_options():
    display = LossCurveDisplay.from_estimator(
        DIGITS, log_scale=False, show_score=False, color="black", name="mine"
    )
    assert display.ax_.get_yscale() == "linear"
    assert display.score_line_ is None
    assert display.line_.get_color() == display.validation_line_.get_color() == "black"
    assert display.line_.get_label() == "mine: training loss"


def test_several_estimators_on_the_same_axes():
    first = LossCurveDisplay.from_estimator(DIGITS, name="a")
    second = LossCurveDisplay.from_estimator(DIGITS, name="b", ax=first.ax_)
    third = LossCurveDisplay.from_estimator(IRIS, name="c", ax=first.ax_)
    assert first.ax_ is second.ax_ is third.ax_
    assert first.score_ax_ is second.score_ax_
    assert len({display.line_.get_color() for display in (first, second, third)}) == 3
    labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert labels.count("a: training loss") == labels.count("b: validation score") == 1
    assert len(labels) == 9
    check_layout(first.figure_)


def test_loss_curve_from_arrays():
    display = LossCurveDisplay(training_loss=[3.0], validation_loss=[4.0], best_epoch=1).plot()
    assert display.line_.get_marker() == "o"
    assert display.best_line_.get_data()[1][0] == 4.0
    again = display.plot(plt.figure().subplots(), name="again")
    assert again.line_.get_label() == "again: training loss"
    # A loss of 0 has no logarithm.
    assert LossCurveDisplay(training_loss=[1.0, 0.0]).plot().ax_.get_yscale() == "linear"


def test_loss_curve_of_scikit_learns_own():
    from sklearn.neural_network import MLPClassifier

    theirs = MLPClassifier((4,), max_iter=500, tol=0.1, early_stopping=True).fit(X, Y)
    display = LossCurveDisplay.from_estimator(theirs)
    assert display.score_line_.get_ydata().tolist() == theirs.validation_scores_
    assert display.validation_line_ is None


def test_loss_curve_refuses_what_has_none(monkeypatch):
    with pytest.raises(ValueError) as caught:
        LossCurveDisplay.from_estimator(dr.MLPClassifier())
    assert str(caught.value) == (
        "estimator must be fitted and have a loss_curve_ (got MLPClassifier without one). Call "
        "fit first."
    )
    with pytest.raises(ValueError) as caught:
        LossCurveDisplay.from_estimator(dr.MLPClassifier((4,)).initialize(X, Y))
    assert str(caught.value) == (
        "estimator must have come to the end of an epoch (got MLPClassifier with an empty "
        "loss_curve_). Call fit first."
    )
    monkeypatch.setattr(base, "SLICE_SECONDS", 0.0)  # each step a slice, at whose end time is asked
    late = dr.MLPClassifier((4,), max_seconds=1e-9, engine="reference", batch_size=1)
    with pytest.warns(TrainingStoppedWarning):
        late.fit(X, Y)
    with pytest.raises(ValueError) as caught:
        LossCurveDisplay.from_estimator(late)
    assert str(caught.value) == (
        "estimator must have come to the end of an epoch (got MLPClassifier with an empty "
        "loss_curve_). The time allowed for the training was used up; the parameters reached so "
        "far are kept. Raise max_seconds, or go on from here with warm_start."
    )
    with pytest.raises(ValueError) as caught:
        LossCurveDisplay(training_loss=[])
    assert str(caught.value) == (
        "training_loss must hold one number per epoch, at least one (got shape (0,)). Fit the "
        "estimator first; lbfgs with nothing to do leaves no epoch."
    )


# ---------------------------------------------------------------- histograms


def test_weights():
    display = WeightsDisplay.from_estimator(DIGITS, bins=20)
    assert [axes.get_title("left") for axes in display.axes_] == [
        "layer 0: 64 → 100", "layer 1: 100 → 50", "layer 2: 50 → 10",
    ]  # fmt: skip
    for bars, numbers, coefs in zip(display.bars_, display.values, DIGITS.coefs_, strict=True):
        assert len(bars) == 20
        assert sum(bar.get_height() for bar in bars) == pytest.approx(100.0)
        assert sorted(numbers) == sorted(coefs.ravel())


def test_activations():
    display = ActivationsDisplay.from_estimator(IRIS, X)
    hidden, output = display.values
    assert hidden.shape == (150 * 16,)
    assert sorted(output) == pytest.approx(sorted(IRIS.predict_proba(X).ravel()))
    assert display.axes_[0].get_title("left") == "layer 0: 16 relu"
    assert hidden.min() == 0.0
    before = ActivationsDisplay.from_estimator(IRIS, csr_array(X), of="pre_activations")
    assert np.maximum(before.values[0], 0.0) == pytest.approx(hidden)


def test_layers_without_numbers_have_no_histogram():
    model = dr.MLPClassifier((4, 3), normalization="batch", dropout=0.5, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.set_params(max_iter=2).fit(*load_iris(return_X_y=True))
    display = ActivationsDisplay.from_estimator(model, X)
    assert display.titles == [
        "layer 0: 4 identity", "layer 0, batch normalization: 4 relu",
        "layer 1: 3 identity", "layer 1, batch normalization: 3 relu", "layer 2: 3 softmax",
    ]  # fmt: skip
    hidden = model.hidden_activations(X, layer=1)
    assert sorted(display.values[3]) == pytest.approx(sorted(hidden.ravel()))
    weights = WeightsDisplay.from_estimator(model)
    assert weights.titles == ["layer 0: 4 → 4", "layer 1: 4 → 3", "layer 2: 3 → 3"]


def test_activations_are_those_of_standardized_rows():
    model = dr.MLPClassifier((4,), standardize="inputs", solver="lbfgs", tol=1e-2).fit(X, Y)
    display = ActivationsDisplay.from_estimator(model, X)
    assert sorted(display.values[-1]) == pytest.approx(sorted(model.predict_proba(X).ravel()))


def test_histograms_on_given_axes():
    axes = plt.figure().subplots(1, 2)
    display = WeightsDisplay.from_estimator(IRIS, ax=axes, color="black")
    assert list(display.axes_) == list(axes)
    alone = plt.figure().subplots()
    assert WeightsDisplay.from_estimator(LINEAR, ax=alone).axes_[0] is alone
    with pytest.raises(ValueError) as caught:
        WeightsDisplay.from_estimator(DIGITS, ax=axes)
    assert str(caught.value) == (
        "ax must hold one axes per layer, 3 (got 2). Make them with plt.subplots(3), or leave ax "
        "out."
    )
    with pytest.raises(ValueError) as caught:
        WeightsDisplay(values=[[1.0]], titles=[])
    assert str(caught.value) == (
        "values and titles must hold one entry per layer, at least one (got 1 and 0). Give a "
        "title for each layer."
    )
    with pytest.raises(ValueError, match="of must be one of 'outputs', 'pre_activations'"):
        ActivationsDisplay.from_estimator(IRIS, X, of="inputs")


# ---------------------------------------------------------------- the network


def test_network():
    display = NetworkDisplay.from_estimator(IRIS, feature_names=NAMES)
    assert [shown.tolist() for shown in display.units_] == [
        list(range(4)), list(range(16)), list(range(3)),
    ]  # fmt: skip
    said = [word for word, _ in words_in(display.figure_)]
    assert set(NAMES) | {"setosa", "versicolor", "virginica"} <= set(said)
    assert {"4\ninputs", "16\nrelu", "3\nsoftmax"} <= set(said)
    check_layout(display.figure_)


def test_the_lines_of_a_network_are_its_weights():
    display = NetworkDisplay.from_estimator(SMALL)
    weight = SMALL.coefs_[0]
    edges = display.edges_[0]
    large = np.abs(weight).max()
    drawn = sorted(abs(weight[np.abs(weight) >= 0.02 * large]))
    assert edges.get_linewidths() == pytest.approx(3.0 * np.array(drawn) / large)
    blue = matplotlib.colors.to_rgb("#0072B2")
    positive = [tuple(colour[:3]) == pytest.approx(blue) for colour in edges.get_colors()]
    assert sum(positive) == (weight >= 0.02 * large).sum()


def test_a_wide_network_is_cut():
    display = NetworkDisplay.from_estimator(DIGITS, max_units=5)
    assert display.units_[1].tolist() == [0, 1, 2, 98, 99]
    shown = [text.get_text() for text in display.ax_.texts]
    assert shown.count("⋮") == 4
    assert {"0", "1", "2", "8", "9"} <= set(shown)
    assert NetworkDisplay.from_estimator(DIGITS, max_units=1).units_[0].tolist() == [0]


def test_names_of_a_network():
    assert NetworkDisplay.from_estimator(SMALL).output_names is None
    assert NetworkDisplay.from_estimator(LINEAR).output_names == ["True"]
    pandas = pytest.importorskip("pandas")
    model = dr.MLPClassifier((2,), solver="lbfgs", tol=1e-2)
    model.fit(pandas.DataFrame(X, columns=["a" * 30, "b", "c", "d"]), Y)
    display = NetworkDisplay.from_estimator(model, class_names=["x", "y", "z"])
    said = [text.get_text() for text in display.ax_.texts]
    assert "a" * 19 + "…" in said
    assert {"b", "c", "d", "x", "y", "z"} <= set(said)
    with pytest.raises(ValueError) as caught:
        NetworkDisplay.from_estimator(IRIS, feature_names=["a"])
    assert str(caught.value) == (
        "input_names must hold 4 names, one for each (got 1). Give them all, or none."
    )


# ---------------------------------------------------------------- without matplotlib


def test_matplotlib_is_loaded_when_something_is_drawn():
    code = (
        "import sys, deltarule as dr\n"
        "display = dr.LossCurveDisplay(training_loss=[2.0, 1.0])\n"
        "print('matplotlib' in sys.modules)\n"
        "sys.modules['matplotlib'] = None\n"
        "try:\n    display.plot()\nexcept ImportError as problem:\n    print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, said = done.stdout.splitlines()
    assert loaded == "False"
    assert re.fullmatch(
        r"LossCurveDisplay\.plot needs matplotlib \(got .*matplotlib.*\)\. Install it with pip "
        r"install 'deltarule\[plot\]'\.",
        said,
    )


def test_heads_are_named_by_their_outputs():
    display = NetworkDisplay.from_estimator(SEVERAL)
    words = [word for word, _ in words_in(display.figure_)]
    assert {"0", "1: setosa", "1: versicolor", "1: virginica", "2: True"} <= set(words)
    assert "5\nidentity\nsoftmax\nlogistic" in words
    titles = ActivationsDisplay.from_estimator(SEVERAL, X[:, :3]).titles
    assert titles == ["layer 0: 6 relu", "layer 1: 5 identity, softmax, logistic"]
    curve = LossCurveDisplay.from_estimator(SEVERAL)
    assert curve.best_epoch == SEVERAL.best_epoch_ + 1
    np.testing.assert_array_equal(
        curve.validation_line_.get_ydata(), SEVERAL.validation_loss_curve_
    )
