"""The errors and warnings of deltarule, as one tree.

::

    DeltaruleError(Exception)
    ├─ InvalidParameterError(ValueError)   a setting out of range, an unknown name
    ├─ InvalidShapeError(ValueError)       arrays that do not fit together, or of a wrong dtype
    ├─ NonFiniteError(ValueError)          NaN or inf in the input, or an objective that became so
    ├─ EngineError(RuntimeError)           an engine that is absent, or that cannot do the plan
    ├─ ModelFileError(ValueError)          an unreadable, truncated, altered or foreign file
    ├─ OutputPathError(OSError)            a path that cannot be written
    └─ TableError(ValueError)              a table or a column that does not fit
    DeltaruleWarning(UserWarning)
    ├─ ReferenceEngineWarning              the compiled core is not loaded
    ├─ TableWarning                        cells of a table were taken otherwise than they stand
    ├─ TrainingStoppedWarning              training ended early and something usable is returned
    └─ UnknownCategoryWarning              a category at prediction that training never saw

Each error has a standard error as second parent, so code that was written for scikit-learn and
catches ``ValueError`` goes on working. A message names the thing, what was expected, what came,
and what to do.
"""

import sys
import warnings
from types import FrameType

__all__ = [
    "DeltaruleError",
    "DeltaruleWarning",
    "EngineError",
    "InvalidParameterError",
    "InvalidShapeError",
    "ModelFileError",
    "NonFiniteError",
    "OutputPathError",
    "ReferenceEngineWarning",
    "TableError",
    "TableWarning",
    "TrainingStoppedWarning",
    "UnknownCategoryWarning",
]


class DeltaruleError(Exception):
    """Everything that deltarule raises on purpose."""


class InvalidParameterError(DeltaruleError, ValueError):
    """A setting is out of its range, of a wrong type, or a name that nobody knows."""


class InvalidShapeError(DeltaruleError, ValueError):
    """Arrays do not fit together or to the network, or have a dtype that is not accepted."""


class NonFiniteError(DeltaruleError, ValueError):
    """The input holds NaN or inf, or the objective became non-finite during training."""


class EngineError(DeltaruleError, RuntimeError):
    """The engine asked for is not there, or cannot do what the plan asks."""


class ModelFileError(DeltaruleError, ValueError):
    """A model file is unreadable, truncated, altered, or not one of ours."""


class OutputPathError(DeltaruleError, OSError):
    """A path to which something is to be written cannot be written."""


class TableError(DeltaruleError, ValueError):
    """A table, or one of its columns, does not fit what was asked or what was trained on."""


class DeltaruleWarning(UserWarning):
    """Everything of which deltarule warns."""


class ReferenceEngineWarning(DeltaruleWarning):
    """The compiled core is not loaded: training runs on NumPy. Said once in a process."""


class TrainingStoppedWarning(DeltaruleWarning):
    """Training was cut short by an interrupt, its time or a number that is not finite.

    Or it stands still. The parameters so far are returned.
    """


class TableWarning(DeltaruleWarning):
    """Cells of a table were taken otherwise than they stand there, or columns were left out."""


class UnknownCategoryWarning(DeltaruleWarning):
    """A prediction met a category that training never saw; it was treated as none of them."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of something at the line that called this package, however deep below it was found.

    Frames of scikit-learn are passed over too: pipelines and searches call us from there.

    Parameters
    ----------
    message : str
    category : type of Warning, default=UserWarning
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_ours(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in ("deltarule", "sklearn")
