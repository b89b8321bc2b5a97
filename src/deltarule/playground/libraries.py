"""The server's libraries, or a sentence how to get them; imported before any of them."""

from __future__ import annotations

try:
    import starlette  # noqa: F401
    import uvicorn  # noqa: F401
    import websockets  # noqa: F401 - uvicorn's sockets are made of it
except ImportError as problem:
    raise ImportError(
        "The playground's server needs starlette, uvicorn and websockets (got "
        f"{str(problem)!r}). Install them with pip install 'deltarule[play]'."
    ) from None
