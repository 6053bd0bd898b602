"""One try to open a session: checked before it is paid for, created, joined, or closed again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from session_service import QUICK, EmptyRoom, SessionService, opening

from akool_async import AkoolClient, ConversationOptions, OwnAgoraRoom, OwnLiveKitRoom
from akool_async.errors import (
    ConfigurationError,
    InvalidParameterError,
    JoinError,
)
from akool_async.models.session import LegacySession, Session
from akool_async.stream.limits import AGORA

pytestmark = pytest.mark.virtual_clock


@pytest.mark.parametrize(
    "wrong",
    [
        {"legacy": True, "mode": 3},
        {"legacy": True, "language": 7},
        {"legacy": True, "voice_url": "no link"},
        {"legacy": True, "voice_id": 5},
        {"legacy": True, "running_timeout": 0},
        {"legacy": True, "on_progress": 5},
        {"legacy": True, "duration": 60},
        {"options": {"reply_timeout": 5}},
        {"transport_options": [1]},
        {"renew_credentials": "yes"},
        {"on_created": 5},
        {"mode": 3},
        {"extra": {"language": "en"}},
        {"extra": {"mode_type": 1}},
        {"extra": "llm"},
    ],
)
async def test_wrong_values_are_refused_before_anything_is_paid(
    sessions: SessionService, akool: AkoolClient, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidParameterError):
        async with opening(akool, **wrong):
            pytest.fail("opened")
    assert sessions.calls == []


@pytest.mark.parametrize("scene_mode", [None, "fast_dialogue"])
async def test_a_room_for_speech_by_data_streams_alone_is_for_meetings(
    sessions: SessionService, akool: AkoolClient, scene_mode: Any
) -> None:
    room = OwnLiveKitRoom(
        url="wss://livekit.example",
        api_key="key",
        api_secret="secret" * 8,
        audio_only_from_data_stream=True,
    )
    with pytest.raises(InvalidParameterError, match=r'scene_mode: .*"meeting"') as caught:
        async with akool.open_session("a", room=room, scene_mode=scene_mode):
            pytest.fail("opened")
    assert caught.value.field == "scene_mode"
    assert sessions.calls == []


async def test_what_no_document_names_is_sent_on_purpose(
    sessions: SessionService, akool: AkoolClient
) -> None:
    async with opening(akool, extra={"llm_provider": "x"}, mode=1, language="en"):
        pass
    assert sessions.bodies[sessions.calls.index("create")] == {
        "avatar_id": "a",
        "stream_type": "livekit",
        "mode_type": 1,
        "language": "en",
        "llm_provider": "x",
    }


async def test_a_link_too_long_for_the_opening_command_is_left_out_of_it(
    sessions: SessionService, akool: AkoolClient, caplog: pytest.LogCaptureFixture
) -> None:
    class Narrow(EmptyRoom):
        room_limits = AGORA

    link = "https://bucket.example/office.png?token=" + "x" * 1100
    options = ConversationOptions(opening_timeout=0.01)
    async with akool.open_session("a", transport=Narrow, background_url=link, options=options):
        pass
    assert sessions.bodies[sessions.calls.index("create")]["background_url"] == link
    assert "background_url" in caplog.text


async def test_its_id_is_given_to_the_caller_first(
    sessions: SessionService, akool: AkoolClient
) -> None:
    seen: list[tuple[str, set[str]]] = []

    async def journal(session: Session | LegacySession) -> None:
        seen.append((session.id, set(sessions.open)))

    async with opening(akool, on_created=journal):
        assert seen == [("s1", {"s1"})]

    def fails(session: Session | LegacySession) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await opening(akool, on_created=fails)
    assert sessions.open == set()


async def test_whoever_is_given_its_id_may_close_the_client(sessions: SessionService) -> None:
    client = AkoolClient("any-key-1234", base_url=sessions.url)

    async def close(session: Session | LegacySession) -> None:
        await client.aclose()

    with pytest.raises(ConfigurationError, match="client is closed"):
        await opening(client, on_created=close)
    await client.aclose()
    assert (sessions.made, sessions.open) == (1, set())


async def test_closing_the_client_does_not_wait_for_one_who_keeps_the_id_waiting(
    sessions: SessionService,
) -> None:
    client = AkoolClient("any-key-1234", base_url=sessions.url)
    given = asyncio.Event()

    async def journal(session: Session | LegacySession) -> None:
        given.set()
        await asyncio.Event().wait()

    async def use() -> None:
        async with opening(client, on_created=journal):
            pytest.fail("opened")

    using = asyncio.create_task(use())
    await given.wait()
    await client.aclose()
    assert (sessions.made, sessions.open) == (1, set())
    with pytest.raises(ConfigurationError, match="client is closed"):
        await using


async def test_a_room_that_is_lost_at_the_last_moment_leaves_nothing_open(
    sessions: SessionService, akool: AkoolClient
) -> None:
    class Brief(EmptyRoom):
        async def send(self, packet: bytes, *, timeout: float) -> None:
            mid = json.loads(packet)["mid"]
            answer = {"cmd": "set-params", "code": 1000}
            self.put(json.dumps({"v": 2, "type": "command", "mid": mid, "pld": answer}).encode())
            self.finish("failed")

    async with akool.open_session("a", transport=Brief, idle_timeout=5) as avatar:
        assert avatar.closed
    assert (sessions.made, sessions.open) == (1, set())


async def test_a_room_of_another_kind_is_refused_before_it_makes_tokens(
    sessions: SessionService, akool: AkoolClient
) -> None:
    room = OwnAgoraRoom(
        channel="c",
        app_id="a" * 32,
        avatar_uid=7,
        avatar_token="a" * 30,
        bot_uid=8,
        bot_token="b" * 30,
    )
    with pytest.raises(InvalidParameterError, match="is for stream_type='agora', not for"):
        await akool.open_session("a", transport=EmptyRoom, room=room, stream_type="livekit")
    with pytest.raises(InvalidParameterError, match="str isn't a room"):
        await akool.open_session("a", transport=EmptyRoom, room="mine")  # type: ignore[arg-type]
    assert sessions.calls == []


async def test_a_session_that_could_not_be_joined_is_closed_and_forgotten(
    sessions: SessionService, akool: AkoolClient
) -> None:
    class Shut(EmptyRoom):
        async def connect(self, *, timeout: float) -> None:
            raise JoinError("shut")

    with pytest.raises(JoinError, match="shut"):
        await akool.open_session("a", transport=Shut, options=QUICK)
    assert (sessions.made, sessions.open) == (1, set())
    async with opening(akool):  # nothing of the first try is in the way
        assert len(sessions.open) == 1


@pytest.mark.parametrize(
    ("per_minute", "duration", "estimated"),
    [(4.0, 90, 6.0), (0, 90, 0.0), (None, 90, None), (4.0, None, None)],
)
async def test_what_a_session_costs_is_known_where_the_user_said_a_price(
    sessions: SessionService,
    per_minute: float | None,
    duration: int | None,
    estimated: float | None,
) -> None:
    client = AkoolClient("any-key-1234", base_url=sessions.url, credits_per_minute=per_minute)
    async with client, opening(client.with_options(timeout=20), duration=duration) as avatar:
        assert avatar.info.estimated_credits == estimated


@pytest.mark.parametrize("wrong", [-1, float("nan"), "4", True])
def test_a_price_is_a_number(wrong: Any) -> None:
    with pytest.raises(InvalidParameterError, match="credits_per_minute"):
        AkoolClient("any-key-1234", credits_per_minute=wrong)
