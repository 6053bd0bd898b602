"""Where the API is: the forms of a base URL that are found in the wild (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from akool_async.errors import ConfigurationError
from akool_async.models.addresses import is_loopback

__all__ = ["DEFAULT_BASE_URL", "normalise_base_url"]

DEFAULT_BASE_URL: Final = "https://openapi.akool.com"

#: What people append, longest first: every path of ours begins with /api/open.
_DOUBLED: Final = ("/api/open/v3", "/api/open/v4", "/api/open")


def normalise_base_url(value: str) -> str:
    """A base URL without a slash, and without a path that each call has, at its end.

    Raises:
        ConfigurationError: no URL, or one that isn't https and not of a loopback address: the key
            would be sent unencrypted.
    """
    if not isinstance(value, str):
        raise ConfigurationError(
            f"base_url is of type {type(value).__name__}, use a string: https://HOST"
        )
    address = value.strip()
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
        # Labels that are empty or longer than 63 characters can't be looked up.
        (host or "").removesuffix(".").encode("idna")
    except ValueError:
        raise ConfigurationError(
            "base_url isn't a URL, or its host can't be a name, use https://HOST"
        ) from None
    if any(character.isspace() for character in address):
        raise ConfigurationError("base_url has white space in it, use https://HOST")
    scheme = parts.scheme.lower()
    if scheme not in ("https", "http") or not host:
        raise ConfigurationError("base_url isn't an http(s) URL, use https://HOST")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("base_url holds a user name or password, give credentials apart")
    if parts.query or parts.fragment:
        raise ConfigurationError("base_url has a query or a fragment, use https://HOST")
    if scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"base_url is http://{host}, which would send the key in clear: use https "
            "(http is accepted for loopback addresses only)"
        )
    path = parts.path.rstrip("/")
    for doubled in _DOUBLED:
        if path.endswith(doubled):
            path = path.removesuffix(doubled).rstrip("/")
            break
    return urlunsplit((scheme, parts.netloc, path, "", ""))
