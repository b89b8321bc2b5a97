"""Under which addresses browsers may reach the server: a few exact texts.

A browser says in ``Host`` what stands in its address bar, and in ``Origin`` whose page is asking.
Both are compared, letter by letter, with the texts that are made here once. No address that comes
over the network is ever interpreted, so another notation of the same address (decimal, a trailing
dot, capital letters) and a name that points here without our knowledge (DNS rebinding) are
strangers like all others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import NamedTuple

from deltarule.exceptions import InvalidParameterError

__all__ = ["Address", "addresses", "check_address"]

#: Fewer letters could be found by trying.
SHORTEST_TOKEN = 16

_PORTS = {"http": 80, "https": 443}
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST_TOKEN},256}}")
_ALLOWED = re.compile(
    r"(?:(?P<scheme>https?)://)?"
    r"(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)


class Address(NamedTuple):
    """How a browser names the server.

    Attributes
    ----------
    host : str
        The header ``Host``: a name, and the port unless it is the scheme's own.
    origin : str
        The header ``Origin`` of the server's own pages.
    """

    host: str
    origin: str


def addresses(host: str, port: int, allow_hosts: Collection[str] = ()) -> tuple[Address, ...]:
    """All addresses of the server; the first one is for links.

    Parameters
    ----------
    host : str
        Where the server listens: an IP address or ``localhost``.
    port : int
        The port at which it listens.
    allow_hosts : collection of str, default=()
        Further names, as in `check_address`. They come first: they are how browsers get there.

    Examples
    --------
    >>> [address.host for address in addresses("127.0.0.1", 8000, ["localhost:9000"])]
    ['localhost:9000', '127.0.0.1:8000', 'localhost:8000']
    >>> addresses("127.0.0.1", 80, ["https://lab.example.org"])[0]
    Address(host='lab.example.org', origin='https://lab.example.org')
    """
    own = [_address("http", name, port) for name in _names_of(host)]
    return tuple(dict.fromkeys([*(_allowed(name, port) for name in allow_hosts), *own]))


def check_address(host: str, token: str | None, allow_hosts: Collection[str]) -> None:
    """Refuse a server that others could reach without anyone having wanted that.

    Parameters
    ----------
    host : str
        Where the server is to listen: an IP address or ``localhost``. One that other machines
        reach needs both of the following.
    token : str or None
        The key of the first link; None: a random one is drawn. At least 16 letters and digits.
    allow_hosts : collection of str
        Names under which browsers reach the server besides those of this machine: ``name`` (with
        the server's port), ``name:port``, or what stands in front of a proxy,
        ``https://name``.

    Raises
    ------
    InvalidParameterError
        If one of them is not what it must be, or `host` is public and one of the others is missing.
    """
    if isinstance(allow_hosts, str) or not all(isinstance(name, str) for name in allow_hosts):
        raise InvalidParameterError(
            f"allow_hosts must be a list of names (got {allow_hosts!r}). Give each name as a text "
            "of its own."
        )
    for name in allow_hosts:
        _allowed(name, 1)
    if token is not None and not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        raise InvalidParameterError(
            f"token must be {SHORTEST_TOKEN} to 256 letters, digits, - or _ (got one that is "
            "not). Leave it out for a random one, or make one with secrets.token_urlsafe()."
        )
    given = {"token": token, "allow_hosts": allow_hosts}
    missing = [name for name, value in given.items() if not value]
    if _is_public(host) and missing:
        raise InvalidParameterError(
            f"host must be of this machine alone, such as 127.0.0.1, unless token and allow_hosts "
            f"are given (got {host!r} without {' and '.join(missing)}). Leave host out, or give "
            "both: a token of your own, and the names under which browsers reach this machine."
        )


def _is_public(host: str) -> bool:
    if host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise InvalidParameterError(
            f"host must be an IP address or 'localhost' (got {host!r}). Use 127.0.0.1 for this "
            "machine alone."
        ) from None


def _names_of(host: str) -> tuple[str, ...]:
    """How browsers on this machine may name the server that listens at `host`."""
    if host in ("127.0.0.1", "localhost", "0.0.0.0"):
        return ("127.0.0.1", "localhost")
    if host in ("::1", "::"):
        return ("[::1]", "localhost")
    # Any other address of this machine alone is itself; a public one is named in allow_hosts.
    return () if _is_public(host) else (f"[{host}]" if ":" in host else host,)


def _address(scheme: str, name: str, port: int) -> Address:
    host = name if port == _PORTS[scheme] else f"{name}:{port}"
    return Address(host, f"{scheme}://{host}")


def _allowed(given: str, port: int) -> Address:
    """The address that an entry of allow_hosts names."""
    found = _ALLOWED.fullmatch(given.lower())
    if found is None or not _is_name(found["name"]) or int(found["port"] or 1) > 65535:
        raise InvalidParameterError(
            f"allow_hosts must hold names such as 'lab.example.org', 'lab.example.org:8000' or "
            f"'https://lab.example.org' (got {given!r}). Write what stands in the address bar of "
            "the browser, without a path."
        )
    scheme = found["scheme"] or "http"
    default = _PORTS[scheme] if found["scheme"] else port
    return _address(scheme, found["name"], int(found["port"] or default))


def _is_name(name: str) -> bool:
    """Whether browsers send `name` as it is: they rewrite other notations of IP addresses."""
    last = name.rpartition(".")[2]
    if not (name.startswith("[") or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last)):
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return name == (f"[{address}]" if address.version == 6 else str(address))
