"""What a report tells, as plain numbers and words; the page only draws it."""

from __future__ import annotations

from dataclasses import dataclass, field

from deltarule.definitions import Array


@dataclass(frozen=True)
class Score:
    """The score of one model.

    Parameters
    ----------
    who : str
    value : float
    spread : float or None
        Its standard deviation over draws of the rows (`deltarule.tables.resampling`).
    seconds : float or None
        What its training took.
    """

    who: str
    value: float
    spread: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Curve:
    """The losses of one network.

    Parameters
    ----------
    training, held : tuple of float
        An entry for each epoch; of the rows that it did not learn from none where it held none.
    kept : int or None
        The index of the epoch whose weights are kept, where that is not the last.
    """

    training: tuple[float, ...]
    held: tuple[float, ...] = ()
    kept: int | None = None


@dataclass(frozen=True)
class Bin:
    """Rows with predictions next to each other.

    Parameters
    ----------
    low, high : float
        The predictions of its rows lie between.
    said, found : float
        Means of what was predicted and of what was right.
    rows : int
    error : float, default=0.0
        The standard error of `found`, for numbers.
    """

    low: float
    high: float
    said: float
    found: float
    rows: int
    error: float = 0.0


@dataclass(frozen=True)
class Importance:
    """What the score loses when the cells of a column are shuffled.

    Parameters
    ----------
    column : str
    loss, spread : float
        Mean and standard deviation over the repeats.
    """

    column: str
    loss: float
    spread: float


@dataclass(frozen=True, eq=False)
class Numbers:
    """What was predicted of one target column of a regression.

    Parameters
    ----------
    name : str
    actual, predicted : arrays of shape (rows,)
    coverage : tuple of pairs of float
        Quantiles as they were asked for, with the share of the rows found below each.
    """

    name: str
    actual: Array
    predicted: Array
    coverage: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a report tells of a training.

    Parameters
    ----------
    table, model : str
        Names of the files.
    target : tuple of str
    task : {"classification", "regression"}
    facts : list of pairs of str
        What was learned from what, by name.
    notes : list of str
    columns : list of tuples of four str
        Name, kind, number of inputs and what the network sees.
    judged_on : str
        ``"178 held-out rows"``.
    score_name : str
    scores : list of Score
        That of the model first.
    more_scores : list of pairs of str
    curves : list of Curve
    labels : list of str
        Of classification: those that occur among the judged rows.
    counts : array of shape (labels, labels) or None
        How often each actual class was predicted as each.
    reliability : list of Bin
    likely : str
        Whose probability `reliability` is about.
    numbers : list of Numbers
    importance : list of Importance
        The most important first.
    importance_note : str
        On how many rows and repeats it rests, or why there is none.
    commands, python : list of str
        How the model is used.
    """

    table: str
    model: str
    target: tuple[str, ...]
    task: str
    facts: list[tuple[str, str]]
    notes: list[str]
    columns: list[tuple[str, str, str, str]]
    judged_on: str
    score_name: str
    scores: list[Score]
    more_scores: list[tuple[str, str]] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    counts: Array | None = None
    reliability: list[Bin] = field(default_factory=list)
    likely: str = ""
    numbers: list[Numbers] = field(default_factory=list)
    importance: list[Importance] = field(default_factory=list)
    importance_note: str = ""
    commands: list[str] = field(default_factory=list)
    python: list[str] = field(default_factory=list)
