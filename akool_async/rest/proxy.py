"""Which proxy the environment asks for, as curl and requests read it."""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from akool_async.models.addresses import is_loopback

__all__ = ["Proxy"]


class Proxy:
    """A proxy as aiohttp takes it, its password apart from its address."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self.headers = headers

    @classmethod
    def from_environment(cls, base_url: str) -> Proxy | None:
        """What `HTTPS_PROXY` and `NO_PROXY` say for a base URL; loopback needs no proxy."""
        target = urlsplit(base_url)
        host = target.hostname or ""
        if is_loopback(host) or urllib.request.proxy_bypass(host):
            return None
        address = urllib.request.getproxies().get(target.scheme)
        if not address:
            return None
        parts = urlsplit(address if "://" in address else f"http://{address}")
        headers = {}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        place = parts.netloc.rpartition("@")[2]
        return cls(urlunsplit((parts.scheme, place, "", "", "")), headers)
