"""``dr.play``: a page in the browser on a model that lives in this process."""

from __future__ import annotations

import sys
from collections.abc import Collection
from html import escape
from typing import TYPE_CHECKING, Any, Self

from deltarule.exceptions import InvalidParameterError
from deltarule.loop import watched_by
from deltarule.playground.browser import open_browser
from deltarule.playground.record import record
from deltarule.playground.shown import Shown
from deltarule.playground.sources import last_step, source_alone, source_of
from deltarule.playground.subject import give

if TYPE_CHECKING:
    from deltarule.persistence import PathLike
    from deltarule.playground.meeting import Meeting
    from deltarule.playground.serve import Server

__all__ = ["Playing", "play"]


class Playing:
    """A page on a model; made by `play`. ``with`` closes it at the end of the block.

    Attributes
    ----------
    estimator : estimator
        What was given. The page trains a copy: see `take`.
    """

    def __init__(self, estimator: Any, shown: Shown, meeting: Meeting, server: Server) -> None:
        self.estimator = estimator
        self._shown, self._meeting, self._server = shown, meeting, server
        self._open = True

    @property
    def url(self) -> str:
        """A link to the page. It opens once; the next one is another."""
        return self._server.new_url()

    def take(self) -> Any:
        """Put the weights that the page has come to into the estimator.

        Until then the estimator is as it was, whatever is done on the page. Of several pages it is
        the one that was used last.

        Returns
        -------
        estimator : estimator
            That of `play`, now with these weights.

        Raises
        ------
        InvalidParameterError
            If no page has the model open.
        """
        found = self._meeting.model_parameters()
        if found is None:
            raise InvalidParameterError(
                "A page must have the model open for its weights to be taken (got none). Open the "
                "link of this handle in a browser."
            )
        give(last_step(self.estimator), found)
        return self.estimator

    def record(self, path: PathLike, steps: int | None = None) -> None:
        """Write the model and its next steps as one HTML file, which needs no server.

        Parameters
        ----------
        path : path
            Conventionally ``*.html``; an existing file is replaced.
        steps : int, default=None
            How many steps of training can be walked through; None: up to 100, fewer of a large
            network.

        Raises
        ------
        InvalidParameterError
            While the estimator is being fitted, or if the file would become too large.
        OutputPathError
            If the path cannot be written.
        """
        record(self._shown, path, steps)

    def close(self) -> None:
        """End the server and the training of its pages; a second time does nothing."""
        self._open = False
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        name = type(self.estimator).__name__
        return f"<play of {name}: {self.url}>" if self._open else f"<play of {name}, closed>"

    def _repr_html_(self) -> str:
        name = escape(type(self.estimator).__name__)
        if not self._open:
            return f"The page of this {name} is closed."
        return f'<a href="{escape(self.url)}" target="_blank">Open the page of this {name}</a>'


def play(
    estimator: Any,
    X: Any = None,
    y: Any = None,
    *,
    browser: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    allow_hosts: Collection[str] = (),
) -> Playing:
    """Open a page in the browser that shows a model at work: every sum, delta and update.

    An estimator that is not fitted yet is fitted here, and the page shows it as it goes; the call
    returns when the fit is done. The page then has a copy to train on, take steps back and
    diagnose.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, Pipeline or TableModel
        A pipeline ends with one of the first two, and is shown with the rows as its steps before
        leave them. A `TableModel` is what ``dr.load`` gives for a network of ``deltarule train
        --hidden …``.
    X : array-like of shape (n_samples, n_features), default=None
        The rows to show and to train on; for a `TableModel` a frame with the target among its
        columns. Without rows some are drawn around those that the model was trained on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their target.
    browser : bool, default=True
        Whether to open the browser, where this machine has a screen.
    host : str, default="127.0.0.1"
        Where to listen. An address that other machines reach needs `token` and `allow_hosts`.
    port : int, default=0
        0 takes a free one.
    token : str, default=None
        The key of the first link; a random one where left out.
    allow_hosts : collection of str, default=()
        Names of this machine, as browsers show them, besides its own.

    Returns
    -------
    Playing
        ``url`` is a link, ``take()`` puts the page's weights into the estimator, ``record(path)``
        writes one HTML file, ``close()`` ends it. The page lives as long as the process.

    Raises
    ------
    ImportError
        If the libraries of the extra ``play`` are missing.
    InvalidParameterError
        If `estimator` is none of these, or the server cannot listen there.
    InvalidShapeError
        If estimator, X and y do not fit together.

    Examples
    --------
    >>> import deltarule as dr
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> model = dr.MLPClassifier((3,), solver="lbfgs", random_state=0).fit(X, y)
    >>> with dr.play(model, X, y, browser=False) as page:
    ...     page.url.startswith("http://127.0.0.1:")
    True
    """
    from deltarule.playground.meeting import Meeting
    from deltarule.playground.serve import serve

    inner = last_step(estimator)
    fitted = hasattr(inner, "coefs_")
    if X is None and not fitted:
        raise InvalidParameterError(
            f"X must be given to fit an {type(inner).__name__} (got None). Pass the rows and their "
            "target, or a fitted estimator."
        )
    shown = Shown(None if not fitted else _source(estimator, X, y))
    meeting = Meeting(shown)
    server = serve(meeting, host, port, token=token, allow_hosts=allow_hosts).start()
    found = Playing(estimator, shown, meeting, server)
    opened = browser and open_browser(server.url)
    if not fitted:
        if not opened:
            # The call returns when the fit is done: else nobody could see it meanwhile.
            sys.stderr.write(f"{found.url}\n")
        try:
            shown.begin_fit(lambda: source_of(estimator, X, y))
            with watched_by(shown.look):
                estimator.fit(X, y)
            shown.end_fit(source_of(estimator, X, y))
        except BaseException:
            found.close()
            raise
    return found


def _source(estimator: Any, X: Any, y: Any) -> Any:
    return source_alone(estimator) if X is None else source_of(estimator, X, y)
