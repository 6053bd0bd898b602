"""Which addresses are this machine's, and how one with a password is shown."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

__all__ = ["can_be_looked_up", "hostname", "is_loopback", "is_loopback_url", "without_password"]


def can_be_looked_up(host: str) -> bool:
    """Whether a host can be a name or an address at all.

    Labels that are empty or longer than 63 characters, white space and half a surrogate pair can't;
    looking them up raises errors of the codec.
    """
    if not host or not host.isprintable() or " " in host:
        return False
    try:
        host.removesuffix(".").encode("idna")
    except UnicodeError:
        return False
    return host.strip(".") != ""


def hostname(url: str) -> str:
    """The host of a URL without its port, lower case; of a `Host` header, with "//" before it. ""
    where there is none.
    """
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host, as written in a URL, is this machine for certain (no name is looked up)."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether an http(s) URL leads to this machine for certain."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and is_loopback(parts.hostname or "")
    except ValueError:
        return False


def without_password(url: str) -> str:
    """A URL as it may be shown: user name and password are replaced."""
    scheme, mark, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    place = rest[:end]
    if not mark or "@" not in place:
        return url
    return f"{scheme}://***@{place.rpartition('@')[2]}{rest[end:]}"
