"""`simulator.rooms.livekit.tokens`: what a token grants, and which are refused."""

from __future__ import annotations

import time

import jwt
import pytest

from akool_async.simulator.rooms.livekit.tokens import (
    API_KEY,
    API_SECRET,
    Grants,
    TokenRefusedError,
    mint,
    read,
)


def test_a_token_says_what_it_grants():
    grants = Grants("me", "room", can_publish=False, name="Me", attributes={"a": "b"})
    got = read(mint(grants, lifetime=60))
    assert (got.identity, got.room, got.name, dict(got.attributes)) == (
        "me",
        "room",
        "Me",
        {"a": "b"},
    )
    assert not got.can_publish


@pytest.mark.parametrize("where", [10, -10])
def test_a_token_that_was_tampered_with_is_refused(where):
    token = mint(Grants("me", "room"), lifetime=60)
    changed = token[:where] + ("A" if token[where] != "A" else "B") + token[where:][1:]
    with pytest.raises(TokenRefusedError):
        read(changed)


@pytest.mark.parametrize(
    "claims",
    [
        {"video": []},
        {"video": {"room": "r"}},
        {"video": {"roomJoin": True, "room": "r"}, "sub": ""},
        {"video": {"roomJoin": True, "room": "r"}, "exp": 1},
        {"video": {"roomJoin": True, "room": "r"}, "exp": "soon"},
        {"video": {"roomJoin": True, "room": "r"}, "nbf": time.time() + 600},
        {"video": {"roomJoin": True, "room": "r"}, "iss": "another"},
    ],
)
def test_claims_that_open_no_room_are_refused(claims):
    good = {"iss": API_KEY, "sub": "me", "exp": time.time() + 60}
    with pytest.raises(TokenRefusedError):
        read(jwt.encode(good | claims, API_SECRET, algorithm="HS256"))
