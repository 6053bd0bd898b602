from __future__ import annotations

import pytest

from akool_async.errors import ConfigurationError
from akool_async.rest.proxy import Proxy

BASE = "https://openapi.akool.com"


def test_none_is_asked_for() -> None:
    assert Proxy.from_environment(BASE) is None


@pytest.mark.parametrize("value", ["http://proxy.example:3128", "proxy.example:3128"])
def test_its_address(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    proxy = Proxy.from_environment(BASE)
    assert proxy is not None
    assert (proxy.url, dict(proxy.headers)) == ("http://proxy.example:3128", {})


def test_its_password_is_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:p%40ssword@proxy.example:3128/")
    proxy = Proxy.from_environment(BASE)
    assert proxy is not None
    assert proxy.url == "http://proxy.example:3128"
    assert proxy.headers == {"Proxy-Authorization": "Basic dXNlcjpwQHNzd29yZA=="}
    assert "p@ssword" not in repr(proxy)
    assert "dXNlcjpwQHNzd29yZA" not in repr(proxy)


@pytest.mark.parametrize("exempt", ["openapi.akool.com", ".akool.com", "*"])
def test_no_proxy(exempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", exempt)
    assert Proxy.from_environment(BASE) is None


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "https://localhost"])
def test_loopback_never_goes_through_one(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    assert Proxy.from_environment(base) is None


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy"])
def test_the_one_for_everything(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://proxy.example:3128")
    proxy = Proxy.from_environment(BASE)
    assert proxy is not None
    assert proxy.url == "http://proxy.example:3128"
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example:3128")
    proxy = Proxy.from_environment(BASE)
    assert proxy is not None
    assert proxy.url == "http://other.example:3128"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks", "ftp"])
def test_one_that_speaks_no_http(name: str, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, f"{scheme}://user:pass-word-1@127.0.0.1:1080")
    with pytest.raises(ConfigurationError, match=f"{name} names a {scheme} proxy") as caught:
        Proxy.from_environment(BASE)
    assert "pass-word-1" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["http://", "http://[::1", "http://h:port", "http://a..example:1", f"http://{'a' * 64}.b:1"],
)
def test_no_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY isn't the address of a proxy"):
        Proxy.from_environment(BASE)
