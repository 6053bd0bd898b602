"""Which proxy leads to a chat room: the option's, or the one that the environment asks for.

websockets itself reads `wss_proxy`, `socks_proxy` and `https_proxy`; `ALL_PROXY` is read here, too,
and every error names where the proxy comes from.
"""

from __future__ import annotations

import importlib.util
import os
import urllib.request
from typing import Final, Literal
from urllib.parse import urlsplit

from akool_async.errors import ConfigurationError
from akool_async.models.addresses import can_be_looked_up
from akool_chatroom.address import Address

__all__ = ["choose_proxy"]

_SCHEMES: Final = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def choose_proxy(option: str | Literal[True] | None, address: Address) -> str | None:
    """The proxy's URL, `None` for a direct connection. A room on this machine needs none.

    Args:
        option: `True`: the environment's; `None`: none; or a proxy's URL.
        address: of the room.

    Raises:
        ConfigurationError: a proxy that can't be used. Says which variable or option names it, and
            never its URL, which may hold a password.
    """
    if option is None or address.loopback:
        return None
    url, source = (option, "proxy=") if option is not True else _from_environment(address)
    if url is None:
        return None
    scheme, host = _parts(url)
    if scheme not in _SCHEMES or not can_be_looked_up(host):
        raise ConfigurationError(
            f"{source} isn't the URL of a proxy: use http://HOST:PORT, or socks5h://HOST:PORT, or "
            "proxy=None for a direct connection"
        ) from None
    if scheme.startswith("socks") and importlib.util.find_spec("python_socks") is None:
        raise ConfigurationError(
            f"{source} names a SOCKS proxy, which the chat room at {address} is reached through "
            'only with the package python-socks (pip install "python-socks[asyncio]"). Or set '
            "WSS_PROXY to an http:// proxy, or except the host by NO_PROXY"
        )
    return url


def _from_environment(address: Address) -> tuple[str | None, str]:
    if urllib.request.proxy_bypass(f"{address.host}:{address.port}"):
        return None, ""
    proxies = urllib.request.getproxies()
    for kind in ("wss", "socks", "https", "all"):
        if url := proxies.get(kind):
            if kind == "socks" and url.startswith("http://"):
                url = "socks5h://" + url.removeprefix("http://")  # as systems' settings give it
            return url if "://" in url else f"http://{url}", _source(kind)
    return None, ""


def _source(kind: str) -> str:
    for name in (f"{kind}_proxy", f"{kind.upper()}_PROXY"):
        if os.environ.get(name):
            return name
    return "the system's setting"


def _parts(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "", ""
    return parts.scheme, host
