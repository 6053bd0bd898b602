from __future__ import annotations

import pytest

from akool_async.watch.access import Access


def test_a_ticket_lets_one_browser_in_once() -> None:
    access = Access(["localhost"])
    ticket = access.ticket()
    cookie = access.enter(ticket)
    assert cookie is not None
    assert access.is_inside(cookie)
    assert access.enter(ticket) is None


@pytest.mark.parametrize("given", ["", "guess", "ä"])
def test_nothing_else_does(given: str) -> None:
    access = Access(["localhost"])
    access.ticket()
    assert access.enter(given) is None
    assert not access.is_inside(given)


def test_tickets_are_bounded() -> None:
    access = Access(["localhost"])
    first = access.ticket()
    for _ in range(100):
        access.ticket()
    assert access.enter(first) is None


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("localhost:80", True),
        ("LOCALHOST", True),
        ("[::1]:9", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("[", False),
        ("", False),
    ],
)
def test_only_our_own_hosts_are_served(host: str, is_ours: bool) -> None:
    assert Access(["localhost", "::1"]).is_host(host) is is_ours


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ("http://localhost:80", True),
        ("https://localhost:80", True),
        ("http://localhost:81", False),
        ("null", False),
        ("", False),
        ("file://localhost:80", False),
    ],
)
def test_only_our_own_page_may_talk(origin: str, is_ours: bool) -> None:
    assert Access.is_own_origin(origin, "localhost:80") is is_ours
