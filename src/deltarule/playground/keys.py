"""Tokens that open once, and the sessions they are exchanged for.

A token stands in the link that the owner opens. The page sends it once and gets a session, which
the browser keeps as a cookie: what was in an address bar or a history opens nothing any more.
"""

from __future__ import annotations

import secrets
import threading

__all__ = ["Keys"]


class Keys:
    """All keys of one server; they end with it.

    Parameters
    ----------
    token : str, optional
        The first token; a random one where left out.
    """

    def __init__(self, token: str | None = None) -> None:
        # The owner asks for tokens in one thread, and pages exchange them in another.
        self._lock = threading.Lock()
        self.first_token = secrets.token_urlsafe() if token is None else token
        self._tokens = {self.first_token}
        self._sessions: set[str] = set()

    def new_token(self) -> str:
        """One more token, for one more browser."""
        token = secrets.token_urlsafe()
        with self._lock:
            self._tokens.add(token)
        return token

    def exchange(self, token: str) -> str | None:
        """A new session for a token, which is used up by that; None for any other text."""
        with self._lock:
            found = _find(token, self._tokens)
            if found is None:
                return None
            self._tokens.remove(found)
            session = secrets.token_urlsafe()
            self._sessions.add(session)
            return session

    def knows(self, session: str) -> bool:
        """Whether `session` came out of an exchange."""
        with self._lock:
            return _find(session, self._sessions) is not None


def _find(given: str, keys: set[str]) -> str | None:
    """The key that is `given`, after a time that says nothing about the keys."""
    # Any text may come over the network, half a surrogate pair too.
    shown = given.encode("utf-8", "surrogatepass")
    same = [key for key in keys if secrets.compare_digest(shown, key.encode())]
    return same[0] if same else None
