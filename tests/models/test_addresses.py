from __future__ import annotations

import pytest

from akool_async.models.addresses import hostname, is_loopback, is_loopback_url, without_password


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.8.8.8", "::1"])
def test_hosts_that_are_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.com", "10.0.0.1", "localhost.example.com", "::2"])
def test_hosts_that_may_be_others(host: str) -> None:
    assert not is_loopback(host)


def test_urls() -> None:
    assert is_loopback_url("http://[::1]:8080/path")
    assert is_loopback_url("https://localhost")
    for other in ("ws://localhost", "http://example.com", "http://[::1", "localhost", ""):
        assert not is_loopback_url(other)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("wss://Room.example:7880/rtc", "room.example"),
        ("//localhost:8080", "localhost"),
        ("//[::1]:80", "::1"),
        ("//[::1", ""),
        ("localhost", ""),
        ("", ""),
    ],
)
def test_the_host_of_a_url(url: str, name: str) -> None:
    assert hostname(url) == name


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://x.example/rtc", "wss://x.example/rtc"),
        ("wss://user:pass@x.example:7880/rtc?a=b@c", "wss://***@x.example:7880/rtc?a=b@c"),
        ("wss://user:p@ss@x.example", "wss://***@x.example"),
        ("https://x.example/@name", "https://x.example/@name"),
        ("no url @ all", "no url @ all"),
    ],
)
def test_a_url_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
