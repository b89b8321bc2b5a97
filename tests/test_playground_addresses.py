"""Under which addresses the server answers, and which it does not begin to listen at."""

import pytest

from deltarule.exceptions import InvalidParameterError
from deltarule.playground.addresses import addresses, check_address

TOKEN = "0123456789abcdef"

#: host, port, allow_hosts → the headers Host, and the first Origin.
NAMES = [
    ("127.0.0.1", 8000, [], ["127.0.0.1:8000", "localhost:8000"], "http://127.0.0.1:8000"),
    ("localhost", 8000, [], ["127.0.0.1:8000", "localhost:8000"], "http://127.0.0.1:8000"),
    ("127.0.0.1", 80, [], ["127.0.0.1", "localhost"], "http://127.0.0.1"),
    ("127.0.0.2", 8000, [], ["127.0.0.2:8000"], "http://127.0.0.2:8000"),
    ("::1", 8000, [], ["[::1]:8000", "localhost:8000"], "http://[::1]:8000"),
    ("0.0.0.0", 8000, ["lab"], ["lab:8000", "127.0.0.1:8000", "localhost:8000"], "http://lab:8000"),
    ("::", 8000, ["lab"], ["lab:8000", "[::1]:8000", "localhost:8000"], "http://lab:8000"),
    ("192.0.2.7", 8000, ["192.0.2.7"], ["192.0.2.7:8000"], "http://192.0.2.7:8000"),
    ("192.0.2.7", 8000, ["Lab.example.org:81"], ["lab.example.org:81"], "http://lab.example.org:81"),
    ("192.0.2.7", 8000, ["http://lab"], ["lab"], "http://lab"),
    ("192.0.2.7", 8000, ["https://lab"], ["lab"], "https://lab"),
    ("192.0.2.7", 8000, ["https://lab:444"], ["lab:444"], "https://lab:444"),
    ("192.0.2.7", 8000, ["[2001:db8::7]"], ["[2001:db8::7]:8000"], "http://[2001:db8::7]:8000"),
    ("127.0.0.1", 8000, ["localhost:8000"], ["localhost:8000", "127.0.0.1:8000"],
     "http://localhost:8000"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "port", "allow_hosts", "hosts", "origin"), NAMES)
def test_addresses(host, port, allow_hosts, hosts, origin):
    found = addresses(host, port, allow_hosts)
    assert [address.host for address in found] == hosts
    assert found[0].origin == origin


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.255.0.1"])
def test_this_machine_needs_neither(host):
    check_address(host, None, [])
    check_address(host, TOKEN, ["lab"])


PUBLIC = ["0.0.0.0", "::", "192.0.2.7", "2001:db8::7", "fe80::1%eth0", "169.254.0.1"]


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_address_needs_both(host):
    check_address(host, TOKEN, ["lab"])
    for token, allow_hosts, missing in (
        (None, [], "token and allow_hosts"), (TOKEN, [], "allow_hosts"), (None, ["lab"], "token"),
    ):  # fmt: skip
        with pytest.raises(InvalidParameterError) as caught:
            check_address(host, token, allow_hosts)
        assert str(caught.value) == (
            "host must be of this machine alone, such as 127.0.0.1, unless token and allow_hosts "
            f"are given (got '{host}' without {missing}). Leave host out, or give both: a token of "
            "your own, and the names under which browsers reach this machine."
        )


NO_HOST = ["", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "lab", "127.0.0.1:80", "[::1]"]


@pytest.mark.parametrize("host", NO_HOST)
def test_host_is_an_address(host):
    with pytest.raises(InvalidParameterError) as caught:
        check_address(host, None, [])
    assert str(caught.value) == (
        f"host must be an IP address or 'localhost' (got {host!r}). Use 127.0.0.1 for this machine "
        "alone."
    )


@pytest.mark.parametrize(
    "token",
    ["", "0123456789abcde", "0123456789abcde ", "0123456789abcdeé", "x" * 257, 1, b"x" * 16],
)
def test_a_token_cannot_be_guessed(token):
    with pytest.raises(InvalidParameterError) as caught:
        check_address("127.0.0.1", token, [])
    assert str(caught.value) == (
        "token must be 16 to 256 letters, digits, - or _ (got one that is not). Leave it out for a "
        "random one, or make one with secrets.token_urlsafe()."
    )


NO_NAMES = [
    "", "*", "*.example.org", "lab.", ".lab", "lab..org", "lab/", "http://", "ftp://lab", "lab:",
    "lab:0", "lab:65536", "lab:080", "a b", "x@lab", "löwe", "2130706433", "0x7f000001", "127.1",
    "0177.0.0.1", "lab.0x7f", "256.0.0.1", "[::1", "[0:0::1]", "[127.0.0.1]", "::1",
]  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES)
def test_allowed_hosts_are_names_as_browsers_send_them(name):
    with pytest.raises(InvalidParameterError) as caught:
        check_address("127.0.0.1", None, [name])
    assert str(caught.value) == (
        "allow_hosts must hold names such as 'lab.example.org', 'lab.example.org:8000' or "
        f"'https://lab.example.org' (got {name!r}). Write what stands in the address bar of the "
        "browser, without a path."
    )


@pytest.mark.parametrize("names", ["lab", [1], [b"lab"]])
def test_allowed_hosts_are_a_list(names):
    with pytest.raises(InvalidParameterError) as caught:
        check_address("127.0.0.1", None, names)
    assert str(caught.value) == (
        f"allow_hosts must be a list of names (got {names!r}). Give each name as a text of its own."
    )
