"""Which proxy the environment asks for, as curl and requests read it."""

from __future__ import annotations

import os
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from akool_async.errors import ConfigurationError
from akool_async.models.addresses import is_loopback

__all__ = ["Proxy"]


class Proxy:
    """A proxy as aiohttp takes it, its password apart from its address."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self.headers = headers

    @classmethod
    def from_environment(cls, base_url: str) -> Proxy | None:
        """What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say for a base URL; loopback needs none.

        Raises:
            ConfigurationError: a proxy that can't be used, as one of SOCKS; names the variable.
        """
        target = urlsplit(base_url)
        host = target.hostname or ""
        if is_loopback(host) or urllib.request.proxy_bypass(host):
            return None
        proxies = urllib.request.getproxies()
        for kind in (target.scheme, "all"):
            if proxies.get(kind):
                return cls._read(proxies[kind], _source(kind))
        return None

    @classmethod
    def _read(cls, address: str, source: str) -> Proxy:
        try:
            parts = urlsplit(address if "://" in address else f"http://{address}")
            host, _ = parts.hostname or "", parts.port
            host.encode("idna")
        except ValueError:
            host, parts = "", urlsplit("")
        if not host:
            raise ConfigurationError(f"{source} isn't the address of a proxy, use http://HOST:PORT")
        if parts.scheme not in ("http", "https"):
            raise ConfigurationError(
                f"{source} names a {parts.scheme} proxy, which aiohttp can't use. Set it to an "
                f"http:// proxy; or except the service by NO_PROXY; or give AkoolClient(session=…) "
                "a session whose connector can (aiohttp-socks has one)"
            )
        headers = {}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        place = parts.netloc.rpartition("@")[2]
        return cls(urlunsplit((parts.scheme, place, "", "", "")), headers)


def _source(kind: str) -> str:
    """Where the address of a proxy was found, as a user knows it."""
    for name in (f"{kind}_proxy", f"{kind.upper()}_PROXY"):
        if os.environ.get(name):
            return f"The environment's {name}"
    return f"The system's setting for {kind} proxies"
