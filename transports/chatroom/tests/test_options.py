from __future__ import annotations

import ssl

import pytest
from akool_chatroom import ChatRoomOptions, ChatRoomTransport

from akool_async.errors import InvalidParameterError, MissingDependencyError


def test_defaults_check_certificates_and_reconnect():
    options = ChatRoomOptions.parse({})
    assert options.ssl is None
    assert options.reconnect_timeout == 60
    assert options.max_size == 2**20


def test_every_option_is_documented():
    for name in ChatRoomOptions.__dataclass_fields__:
        assert f"{name}:" in (ChatRoomOptions.__doc__ or "")


def test_takes_an_ssl_context():
    context = ssl.create_default_context()
    assert ChatRoomOptions.parse({"ssl": context}).ssl is context


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("ssl", True, "SSLContext"),
        ("ssl", "/etc/ca.pem", "SSLContext"),
        ("proxy", False, "True, None or the URL"),
        ("ping_interval", 0, "isn't 0.05 to 86400 seconds"),
        ("ping_interval", float("nan"), "number of seconds"),
        ("ping_timeout", "20", "number of seconds"),
        ("ping_timeout", True, "number of seconds"),
        ("open_timeout", -1, "isn't 0.05 to 86400 seconds"),
        ("reconnect_timeout", -0.1, "isn't 0 to 86400 seconds"),
        ("reconnect_timeout", float("inf"), "isn't 0 to 86400 seconds"),
        ("reconnect_delay", 90_000, "isn't 0 to 86400 seconds"),
        ("reconnect_max_delay", 0.1, "isn't 0.5 to 86400 seconds"),
        ("max_size", 1000, "isn't 65536 to 67108864 bytes"),
        ("max_size", 2**27, "isn't 65536 to 67108864 bytes"),
        ("max_size", 1e6, "whole number"),
        ("colour", "red", "no such option, only ssl, proxy"),
    ],
)
def test_bad_value_is_refused_by_name(name, value, problem):
    with pytest.raises(InvalidParameterError, match=problem) as caught:
        ChatRoomTransport.preflight({name: value})
    assert caught.value.field == name


def test_preflight_passes_what_can_work():
    ChatRoomTransport.preflight({"reconnect_timeout": 5, "proxy": None})


def test_preflight_without_websockets_gives_the_install_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "akool_chatroom.connection", None)
    with pytest.raises(MissingDependencyError) as caught:
        ChatRoomTransport.preflight({})
    assert caught.value.install == 'pip install "akool-async[chatroom]"'
