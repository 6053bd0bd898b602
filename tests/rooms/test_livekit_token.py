from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from livekit import api

from akool_async.errors import InvalidParameterError
from akool_async.rest.session_create import session_create_body
from akool_async.rooms.livekit_token import check_livekit_token, read_livekit_token

SECRET = "a-secret-of-more-than-32-characters"


def token(*, room: str = "r", identity: str = "avatar", life: float = 60, join: bool = True) -> str:
    """A token as LiveKit's own package writes it, or one that it would refuse to write."""
    video = {"roomJoin": join, **({"room": room} if room else {})}
    payload: dict[str, Any] = {"iss": "key", "video": video, "exp": int(time.time() + life)}
    if identity:
        payload["sub"] = identity
    return jwt.encode(payload, SECRET, algorithm="HS256")


def test_reads_what_livekits_own_package_writes() -> None:
    grants = api.VideoGrants(room_join=True, room="r", can_publish_data=False)
    made = api.AccessToken("key", SECRET).with_grants(grants).with_identity("avatar")
    claims = read_livekit_token("t", made.to_jwt())
    assert (claims.identity, claims.room, claims.can_join) == ("avatar", "r", True)
    assert not claims.can_publish_data
    assert claims.expires is not None


DEEP = base64.urlsafe_b64encode(b"[" * 9_999).decode()


@pytest.mark.parametrize(
    "wrong", ["", "abc", "a.b.c", "a.e30x.c", "a.W10.c", ".....", f"a.{DEEP}.c"]
)
def test_what_is_no_token_is_refused_without_quoting_it(wrong: str) -> None:
    with pytest.raises(InvalidParameterError, match="LiveKit access token") as caught:
        read_livekit_token("t", wrong)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("made", "expected", "problem"),
    [
        ({"life": -5}, {}, "expired"),
        ({"room": "other"}, {"room": "mine"}, "the room 'other', the session is for 'mine'"),
        ({"identity": "bot"}, {"identity": "avatar"}, "the identity 'bot', not for 'avatar'"),
        ({"join": False}, {}, "roomJoin"),
        ({"identity": ""}, {}, "holds no identity"),
        ({"life": 60}, {"needs_until": 4e9}, "are needed"),
    ],
)
def test_a_token_that_cannot_do_it_is_refused(
    made: dict[str, Any], expected: dict[str, Any], problem: str
) -> None:
    text = token(**made)
    with pytest.raises(InvalidParameterError, match=problem) as caught:
        check_livekit_token("credentials.livekit_token", text, **expected)
    assert caught.value.field == "credentials.livekit_token"
    assert text not in str(caught.value)


def test_a_token_for_any_room_fits_every_room() -> None:
    assert check_livekit_token("t", token(room=""), room="mine", identity="avatar").room is None


def test_an_expired_token_is_refused_before_a_session_is_paid_for() -> None:
    credentials = {"livekit_url": "wss://host", "livekit_token": token(life=-5)}
    with pytest.raises(InvalidParameterError, match=r"credentials\.livekit_token: expired"):
        session_create_body("a", {"stream_type": "livekit", "credentials": credentials})
    credentials["livekit_token"] = token()
    body = session_create_body("a", {"stream_type": "livekit", "credentials": credentials})
    assert body["credentials"] == credentials


@pytest.mark.parametrize("url", ["https://host", "host:7880", "ws://"])
def test_a_room_that_is_no_websocket_is_refused(url: str) -> None:
    credentials = {"livekit_url": url, "livekit_token": token()}
    with pytest.raises(InvalidParameterError, match=r"credentials\.livekit_url: .*wss://"):
        session_create_body("a", {"stream_type": "livekit", "credentials": credentials})


@pytest.mark.parametrize(("expires", "problem"), [(10**400, None), (-(10**400), "expired")])
def test_a_time_of_hundreds_of_digits(expires: int, problem: str | None) -> None:
    payload = {"sub": "avatar", "exp": expires, "nbf": 10**400, "video": {"roomJoin": True}}
    text = f"a.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode()}.c"
    if problem is None:
        assert check_livekit_token("t", text).identity == "avatar"
        return
    with pytest.raises(InvalidParameterError, match=problem):
        check_livekit_token("t", text)
