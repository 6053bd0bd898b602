from __future__ import annotations

import pytest
from akool_chatroom.address import Address

from akool_async.errors import InvalidParameterError

URL = "wss://stream-open.akool.io:8443/final_20240718075254093_8898/client_8898.chat"


def test_shows_host_and_port_only():
    address = Address(URL)
    assert str(address) == "wss://stream-open.akool.io:8443/…"
    assert "final" not in repr(address)
    assert address.secret_url() == URL


@pytest.mark.parametrize(
    ("url", "port"), [("wss://a.example/x.chat", 443), ("ws://localhost/x.chat", 80)]
)
def test_port_by_scheme(url, port):
    assert Address(url).port == port


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_ws_on_this_machine(host):
    address = Address(f"ws://{host}:8080/final_x/client_1.chat")
    assert address.loopback
    assert not address.secure
    assert str(address) == f"ws://{host}:8080/…"


@pytest.mark.parametrize("host", ["10.0.0.1", "example.com", "0.0.0.0", "localhost.example.com"])
def test_ws_elsewhere_is_refused(host):
    with pytest.raises(InvalidParameterError, match="use wss://") as caught:
        Address(f"ws://{host}/final_secret/client_1.chat")
    assert caught.value.field == "client_chat_room_url"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://a.example/final_secret/client_1.chat", "isn't a wss:// URL"),
        ("final_secret", "isn't a wss:// URL"),
        ("wss:///final_secret/client_1.chat", "has no host"),
        ("wss://a.example:99999/final_secret", "port"),
        ("wss://a.example/final_secret#here", "fragment"),
        ("wss://user:secret@a.example/final", "login"),
        ("wss://a.example/final_secret\x7f", "control characters"),
        ("wss://[1/final_secret", "can't be read"),
        ("wss://api..example/final_secret", "can't be a name"),
        (f"wss://{'a' * 64}.example/final_secret", "can't be a name"),
        ("wss://./final_secret", "can't be a name"),
        ("wss://exa mple/final_secret", "can't be a name"),
        ("wss://\ud800.example/final_secret", "can't be a name"),
    ],
)
def test_bad_url_is_named_and_not_shown(url, problem):
    with pytest.raises(InvalidParameterError, match=problem) as caught:
        Address(url)
    error: BaseException | None = caught.value
    while error is not None:  # nor by what it is chained to
        assert "secret" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_redacts_pieces_of_the_path():
    address = Address(URL)
    said = "no room /final_20240718075254093_8898/client_8898.chat\r\nhere"
    assert address.redact(said) == "no room …??here"
    assert address.redact("client_8898.chat left") == "… left"
    assert address.redact("final_20240718075254093_8898 closed") == "… closed"
    assert address.redact("nothing of it: \x1b[31m") == "nothing of it: ?[31m"
