"""Which web pages may use the simulator.

The service itself answers any web page (docs/protocol.md §1 "Browsers"). The simulator listens on
the user's machine, where every page that the user visits can reach it. So it answers pages on
loopback and those named, and checks `Host`, because a page's own domain may resolve to 127.0.0.1
(DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from aiohttp import web

from akool_async.errors import InvalidParameterError
from akool_async.models.addresses import hostname, is_loopback

__all__ = ["BrowserAccess"]


class BrowserAccess:
    """Decides by a request's `Host` and `Origin`.

    Args:
        origins: origins that may use the simulator besides those on loopback; "*": any.
        hosts: names in `Host` that are accepted besides `localhost` and IP addresses.

    Raises:
        InvalidParameterError: a single text in place of several.
    """

    def __init__(self, *, origins: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        self._origins = {origin.lower().rstrip("/") for origin in _texts("origins", origins)}
        self._hosts = {host.lower() for host in _texts("hosts", hosts)}

    def refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a request that is not allowed: status 403; `None`: it is allowed."""
        origin = request.headers.get("Origin")
        host = request.headers.get("Host", "")
        if host and not self._host_is_allowed(host):
            problem = f"Host {host[:100]!r} is not allowed; name it in allow_hosts"
        elif origin is not None and not self._origin_is_allowed(origin):
            problem = f"Origin {origin[:100]!r} is not allowed; name it in allow_origins"
        else:
            return None
        return web.json_response({"code": 1009, "msg": f"the simulator: {problem}"}, status=403)

    def headers(self, request: web.Request) -> Mapping[str, str]:
        """What a browser needs in the answer to a request, refusals by the service included."""
        origin = request.headers.get("Origin")
        if origin is None or not self._origin_is_allowed(origin):
            return {"Vary": "Origin"}
        headers = {"Vary": "Origin", "Access-Control-Allow-Origin": origin}
        if request.method == "OPTIONS":
            headers |= {
                "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
                "Access-Control-Allow-Headers": "authorization, x-api-key, content-type",
                "Access-Control-Allow-Private-Network": "true",
                "Access-Control-Max-Age": "600",
            }
        return headers

    def _origin_is_allowed(self, origin: str) -> bool:
        return (
            "*" in self._origins or origin.lower() in self._origins or is_loopback(hostname(origin))
        )

    def _host_is_allowed(self, host: str) -> bool:
        name = hostname(f"//{host}")
        return is_loopback(name) or name in self._hosts or _is_address(name)


def _is_address(name: str) -> bool:
    """No page can have an IP address that leads to another machine."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _texts(name: str, given: Iterable[str]) -> list[str]:
    if isinstance(given, str):
        raise InvalidParameterError(f"allow_{name}", "is one text; give a list of them")
    return list(given)
