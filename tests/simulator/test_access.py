from __future__ import annotations

from typing import Any

import pytest

from akool_async.simulator import Clock
from akool_async.simulator.access import Access
from akool_async.simulator.checks import Refusal

RIGHT = {"clientId": "me", "clientSecret": "right"}


def access(clock: Clock | None = None, **given: Any) -> Access:
    known = {"api_key": "right", "client_id": "me", "token_life": 100.0}
    return Access(clock or Clock(running=False), **{**known, **given})


def refused(call: Any, *arguments: Any) -> int:
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 1102),
        ({"x-api-key": ""}, 1102),
        ({"Authorization": " "}, 1102),
        ({"x-api-key": "wrong"}, 1101),
        ({"x-api-key": "r\u00e9ght"}, 1101),
        ({"Authorization": "right"}, 1101),
        ({"Authorization": "Basic right"}, 1101),
        ({"Authorization": "Bearer "}, 1101),
        ({"Authorization": "Bearer unknown"}, 1101),
        ({"x-api-key": "right", "Authorization": "Bearer unknown"}, 1101),
    ],
)
def test_who_is_refused(headers: dict[str, str], code: int) -> None:
    assert refused(access().check, headers) == code
    access().check({"x-api-key": "right"})


def test_any_key_or_token_will_do_where_none_is_the_right_one() -> None:
    anyone = access(api_key=None, client_id=None)
    anyone.check({"x-api-key": "anything"})
    anyone.check({"Authorization": "bearer anything"})
    assert refused(anyone.check, {}) == 1102
    token = anyone.issue({"clientId": "x", "clientSecret": "y"})
    anyone.check({"Authorization": f"Bearer {token}"})


def test_a_fetched_token_is_good_for_its_life() -> None:
    clock = Clock(running=False)
    door = access(clock)
    token = door.issue(RIGHT)
    assert door.tokens_issued == 1
    clock.advance(99.5)
    door.check({"Authorization": f"Bearer {token}", "x-api-key": "wrong"})
    clock.advance(0.5)
    assert refused(door.check, {"Authorization": f"Bearer {token}"}) == 1101


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 1003),
        ({"clientId": "me"}, 1003),
        ({**RIGHT, "clientSecret": ""}, 1003),
        ({**RIGHT, "clientSecret": "wrong"}, 1101),
        ({**RIGHT, "clientId": "another"}, 1101),
    ],
)
def test_who_gets_no_token(body: dict[str, str], code: int) -> None:
    door = access()
    assert refused(door.issue, body) == code
    assert door.tokens_issued == 0


def test_every_token_so_far_can_be_made_stale() -> None:
    door = access(api_key=None)
    issued, used = door.issue_token(), "used"
    door.check({"Authorization": f"Bearer {used}"})
    door.expire_tokens()
    for token in (issued, used):
        assert refused(door.check, {"Authorization": f"Bearer {token}"}) == 1101
    door.check({"Authorization": f"Bearer {door.issue_token()}"})
