"""What every answer carries: what the page may do in a browser, which is little.

`POLICY` is the content security policy. The page's own files are all it may load, its own server
is all it may talk to, nobody may frame it, and no text becomes code except WebAssembly of ours.
No header of another site's sharing (CORS) is ever sent: what a room or a route adds is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["POLICY", "Pairs", "completed"]

Pairs = Iterable[tuple[bytes, bytes]]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

#: What browsers know and the page never asks for.
_UNUSED = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
    "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "usb",
)  # fmt: skip

_ALWAYS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": ", ".join(f"{name}=()" for name in _UNUSED).encode(),
}
_UNLESS_SAID = {b"cache-control": b"no-store"}


def completed(headers: Pairs) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with those that every answer has."""
    given = [(name.lower(), value) for name, value in headers]
    kept = [
        (name, value)
        for name, value in given
        if name not in _ALWAYS and not name.startswith(b"access-control-")
    ]
    said = {name for name, _ in kept}
    return [
        *kept,
        *_ALWAYS.items(),
        *((name, value) for name, value in _UNLESS_SAID.items() if name not in said),
    ]
