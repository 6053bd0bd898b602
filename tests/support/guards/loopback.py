"""Refuses connections of this process beyond loopback, and fails the test that tried one.

What native code does (the LiveKit client's core) isn't seen here; it is only ever given loopback
addresses. It sends from every interface's address though, and is answered there: an address of
this machine itself never leaves it, and counts as loopback for packets.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest

__all__ = ["BeyondLoopbackError"]

_INTERNET = (socket.AF_INET, socket.AF_INET6)


class BeyondLoopbackError(ConnectionRefusedError):
    """A test tried to reach another machine."""


#: Attempts since the test began: also those whose error the tested code swallowed.
attempts: list[str] = []


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return False
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@functools.cache
def _is_own(host: str) -> bool:
    """Whether an address is one of this machine's: no other can be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def _refuse(what: str) -> BeyondLoopbackError:
    attempts.append(what)
    return BeyondLoopbackError(f"tests stay on loopback: {what}")


def _check(sock: socket.socket, address: Any, what: str) -> None:
    if sock.family in _INTERNET and not _is_loopback(address[0]):
        raise _refuse(f"{what} {address[0]}")


class _Guarded:
    """The guarded versions of what `socket` does; kept apart to be put in and taken out."""

    def __init__(self) -> None:
        connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
        sendto, getaddrinfo = socket.socket.sendto, socket.getaddrinfo
        gethostbyname = socket.gethostbyname

        def guarded_connect(self: socket.socket, address: Any) -> None:
            _check(self, address, "connect to")
            connect(self, address)

        def guarded_connect_ex(self: socket.socket, address: Any) -> int:
            _check(self, address, "connect to")
            return connect_ex(self, address)

        def guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
            if not (self.type == socket.SOCK_DGRAM and _is_own(rest[-1][0])):
                _check(self, rest[-1], "send to")
            return sendto(self, data, *rest)

        def guarded_getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if isinstance(name, str) and name.rstrip(".").endswith(".invalid"):
                # Reserved for names that don't exist (RFC 2606): no need to ask anybody.
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            # No host and the unspecified ones are for listening.
            if name not in (None, "", "0.0.0.0", "::") and not _is_loopback(name):
                raise _refuse(f"look up {name}")
            return getaddrinfo(host, *rest, **named)

        def guarded_gethostbyname(name: str) -> str:
            if not _is_loopback(name):
                raise _refuse(f"look up {name}")
            return gethostbyname(name)

        self.of_sockets = {
            "connect": guarded_connect,
            "connect_ex": guarded_connect_ex,
            "sendto": guarded_sendto,
        }
        self.of_module = {
            "getaddrinfo": guarded_getaddrinfo,
            "gethostbyname": guarded_gethostbyname,
        }


def pytest_configure(config: pytest.Config) -> None:
    """For the whole run: also what happens between tests."""
    guarded = _Guarded()
    patch = pytest.MonkeyPatch()
    for name, function in guarded.of_sockets.items():
        patch.setattr(socket.socket, name, function)
    for name, function in guarded.of_module.items():
        patch.setattr(socket, name, function)
    config.add_cleanup(patch.undo)


@pytest.fixture(autouse=True)
def only_loopback() -> Iterator[None]:
    """Fails the test that tried to reach another machine."""
    attempts.clear()
    yield
    if attempts:
        tried = ", ".join(sorted(set(attempts)))
        attempts.clear()
        pytest.fail(f"reached beyond loopback: {tried}", pytrace=False)
