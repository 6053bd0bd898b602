from __future__ import annotations

import pytest

from akool_async.errors import ConfigurationError
from akool_async.models.addresses import is_loopback
from akool_async.rest.base_url import DEFAULT_BASE_URL, normalise_base_url


@pytest.mark.parametrize(
    "end", ["", "/", "/api/open", "/api/open/", "/api/open/v3", "/api/open/v4/"]
)
def test_what_people_append_is_cut_off(end: str) -> None:
    assert normalise_base_url(f" https://openapi.akool.com{end}\n") == DEFAULT_BASE_URL


def test_a_path_of_a_gateway_is_kept() -> None:
    assert normalise_base_url("https://gw.example/akool/") == "https://gw.example/akool"
    assert normalise_base_url("HTTPS://gw.example:8443/a/api/open") == "https://gw.example:8443/a"


@pytest.mark.parametrize(
    "value", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9"]
)
def test_plain_http_is_for_loopback(value: str) -> None:
    assert normalise_base_url(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "http://openapi.akool.com",
        "http://192.168.0.5",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0",
    ],
)
def test_a_key_is_never_sent_in_clear(value: str) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        normalise_base_url(value)


@pytest.mark.parametrize(
    "value", ["", "openapi.akool.com", "ftp://h", "https://", "https://h:x", "https://[::1"]
)
def test_what_is_no_url_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="URL"):
        normalise_base_url(value)


@pytest.mark.parametrize(
    "value",
    ["https://user:very-private@h", "https://h/?key=very-private", "https://h/#very-private"],
)
def test_secrets_in_it_are_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        normalise_base_url(value)
    assert "very-private" not in str(caught.value)


def test_loopback_is_recognised_without_looking_a_name_up() -> None:
    assert is_loopback("LOCALHOST.")
    assert not is_loopback("example.com")
    assert not is_loopback("")


@pytest.mark.parametrize(
    "host",
    ["api..example.com", f"{'a' * 64}.example", ".example.com", "exa mple.com", f"{'é' * 70}.x"],
)
def test_a_host_that_cant_be_looked_up_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError):
        normalise_base_url(f"https://{host}")


def test_a_dot_at_the_end_of_a_host_is_fine() -> None:
    assert normalise_base_url("https://openapi.akool.com./") == "https://openapi.akool.com."
