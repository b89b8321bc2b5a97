"""The public names: one list, resolved when first used, and light to import."""

import subprocess
import sys

import pytest

import deltarule as dr


@pytest.mark.parametrize("name", dr.__all__)
def test_every_public_name_resolves(name):
    found = getattr(dr, name)
    assert name == "__version__" or found.__doc__


def test_names_are_listed_once_and_few():
    assert len(dr.__all__) == len(set(dr.__all__)) <= 60
    assert set(dr.__all__) <= set(dir(dr))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError) as caught:
        dr.MLPClasifier  # noqa: B018
    assert str(caught.value).startswith("module 'deltarule' has no attribute 'MLPClasifier'")


LIGHT = {
    "import deltarule": ("numpy", "scipy", "sklearn", "deltarule._core"),
    "import deltarule as dr; dr.Network((2, 3, 1)); dr.TrainingPlan()": ("scipy", "sklearn"),
    "import deltarule as dr; n = dr.Network((2, 1), 'tanh')\n"
    "dr.run_steps(n, dr.initialize(n), [[1, 2]], [[1]], order=[0], engine='reference')": (
        "scipy",
        "sklearn",
    ),
    "import deltarule as dr; m = dr.MLPClassifier(max_iter=900, tol=1.0)\n"
    "m.fit([[0.0], [1.0]], [0, 1]).predict([[1.0]])": (
        "sklearn.metrics",
        "sklearn.model_selection",
        "deltarule.lanes",
        "deltarule.tables",
    ),
}


@pytest.mark.parametrize("code", LIGHT)
def test_an_import_loads_little(code):
    heavy = [name for name in LIGHT[code] if name != "numpy"]
    script = f"{code}\nimport sys\nprint([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
