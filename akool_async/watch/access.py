"""Who may see the page: one-time tickets, a cookie after that, and the names it is served at."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from akool_async.models.addresses import hostname

__all__ = ["Access"]

#: Tickets that weren't used, and browsers that were let in: older ones are forgotten.
_MOST: Final = 100


class Access:
    """Decides on requests. It knows no web framework.

    A ticket is used once, so that a link in a browser's history or a log opens nothing. The `Host`
    is checked against DNS names that lead to this machine, the `Origin` against other pages.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        """`hosts`: names that the page may be asked for by, without ports."""
        self._hosts = frozenset(host.lower() for host in hosts)
        self._tickets: OrderedDict[str, None] = OrderedDict()
        self._browsers: OrderedDict[str, None] = OrderedDict()
        #: Unique for each page: cookies are shared by all ports of a host.
        self.cookie = f"akool_watch_{secrets.token_hex(4)}"

    def ticket(self) -> str:
        """A new one, for one browser."""
        return _add(self._tickets)

    def enter(self, ticket: str) -> str | None:
        """Uses a ticket up; the cookie's value, `None`: it isn't one, or was used."""
        found = _find(self._tickets, ticket)
        if found is None:
            return None
        del self._tickets[found]
        return _add(self._browsers)

    def is_inside(self, cookie: str) -> bool:
        """Whether this cookie's browser entered by a ticket."""
        return _find(self._browsers, cookie) is not None

    def is_host(self, host: str) -> bool:
        """Whether a `Host` header is one that the page is served at."""
        return hostname(f"//{host}") in self._hosts

    @staticmethod
    def is_own_origin(origin: str, host: str) -> bool:
        """Whether an `Origin` header is the page's own; a missing one isn't."""
        scheme, _, rest = origin.partition("://")
        return scheme in ("http", "https") and bool(host) and rest.lower() == host.lower()


def _add(known: OrderedDict[str, None]) -> str:
    value = secrets.token_urlsafe(24)
    known[value] = None
    if len(known) > _MOST:
        known.popitem(last=False)
    return value


def _find(known: OrderedDict[str, None], given: str) -> str | None:
    # All are compared, each in constant time: how long it takes says nothing about any.
    found = [one for one in known if hmac.compare_digest(one.encode(), given.encode())]
    return found[0] if found else None
