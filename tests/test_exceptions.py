"""The tree of errors: what may be caught as what, and that the drawing shows all of it."""

import inspect

import pytest

from deltarule import exceptions

PARENTS = {
    "InvalidParameterError": ValueError,
    "InvalidShapeError": ValueError,
    "NonFiniteError": ValueError,
    "EngineError": RuntimeError,
    "ModelFileError": ValueError,
    "OutputPathError": OSError,
    "TableError": ValueError,
}
WARNINGS = (
    "ReferenceEngineWarning",
    "TableWarning",
    "TrainingStoppedWarning",
    "UnknownCategoryWarning",
)


@pytest.mark.parametrize(("name", "standard"), PARENTS.items())
def test_an_error_is_ours_and_a_standard_one(name, standard):
    error = getattr(exceptions, name)
    assert issubclass(error, exceptions.DeltaruleError)
    assert issubclass(error, standard)
    with pytest.raises(standard, match="what came"):
        raise error("what came")


@pytest.mark.parametrize("name", WARNINGS)
def test_a_warning_can_be_silenced_with_all_of_ours(name):
    assert issubclass(getattr(exceptions, name), exceptions.DeltaruleWarning)
    assert issubclass(exceptions.DeltaruleWarning, UserWarning)


def test_the_drawing_and_the_list_of_names_are_complete():
    classes = {
        name
        for name, thing in vars(exceptions).items()
        if inspect.isclass(thing) and issubclass(thing, BaseException)
    }
    assert classes == set(exceptions.__all__)
    assert classes == {"DeltaruleError", "DeltaruleWarning", *PARENTS, *WARNINGS}
    for name in classes:
        assert name in exceptions.__doc__
