"""Which proxy leads to a chat room."""

from __future__ import annotations

import importlib.util

import pytest
from akool_chatroom.address import Address
from akool_chatroom.proxy import choose_proxy

from akool_async.errors import ConfigurationError

ROOM = Address("wss://room.example/final_x/client_1.chat")
HERE = Address("ws://127.0.0.1:1/final_x/client_1.chat")
VARIABLES = ("wss_proxy", "socks_proxy", "https_proxy", "http_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def without_socks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"ALL_PROXY": "http://p.example:1"}, "http://p.example:1"),
        ({"all_proxy": "p.example:1"}, "http://p.example:1"),
        ({"https_proxy": "http://h.example", "ALL_PROXY": "http://a.example"}, "http://h.example"),
        ({"WSS_PROXY": "http://w.example", "HTTPS_PROXY": "http://h"}, "http://w.example"),
        ({"HTTP_PROXY": "http://p.example"}, None),
        ({"ALL_PROXY": "http://p.example:1", "NO_PROXY": "room.example"}, None),
    ],
)
def test_the_environments(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert choose_proxy(True, ROOM) == proxy


def test_none_for_this_machine_or_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://p.example:1")
    assert choose_proxy(True, HERE) is None
    assert choose_proxy("http://p.example:1", HERE) is None
    assert choose_proxy(None, ROOM) is None
    assert choose_proxy("http://o.example:2", ROOM) == "http://o.example:2"


@pytest.mark.parametrize(
    "url",
    [
        "gopher://me:hunter2@p.example",
        "http://me:hunter2@[1",
        "http://me:hunter2@a..b",
        "http://me:hunter2@p.example:99999",
        "http://",
    ],
)
def test_an_unusable_one_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", url)
    with pytest.raises(ConfigurationError, match="ALL_PROXY isn't the URL of a proxy") as caught:
        choose_proxy(True, ROOM)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="proxy= isn't the URL of a proxy"):
        choose_proxy(url, ROOM)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "SOCKS_PROXY"])
def test_socks_needs_a_package_that_the_error_names(
    monkeypatch: pytest.MonkeyPatch, without_socks: None, name: str
) -> None:
    monkeypatch.setenv(name, "socks5h://me:hunter2@127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=f"{name} names a SOCKS.*python-socks") as caught:
        choose_proxy(True, ROOM)
    assert "hunter2" not in str(caught.value)
