"""The avatar in a room of the user's own, among other participants."""

from __future__ import annotations

import asyncio
import json

import pytest
from livekit import rtc

from akool_async import (
    AkoolClient,
    OwnAgoraRoom,
    OwnLiveKitRoom,
    OwnTRTCRoom,
    UnknownSenderMessage,
)
from akool_async.errors import InvalidParameterError
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET, Grants, mint

AVATAR = "dvp_Tristan_cloth2_1080P"


def livekit_room(sim: Simulator, **options) -> OwnLiveKitRoom:
    url = sim.url.replace("http://", "ws://")
    return OwnLiveKitRoom(name="mine", url=url, api_key=API_KEY, api_secret=API_SECRET, **options)


async def test_a_livekit_room_of_ones_own_with_two_others_talking():
    """Their well-formed avatar messages never reach the program."""
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        own = livekit_room(sim)
        others = [rtc.Room(), rtc.Room()]
        try:
            for number, other in enumerate(others):
                assert own.url is not None
                await other.connect(own.url, mint(Grants(f"guest {number}", "mine"), lifetime=60))
            opening = akool.open_session(AVATAR, room=own, duration=60)
            async with opening as avatar:
                strangers = avatar.events(UnknownSenderMessage)
                fake = {"v": 2, "type": "chat", "idx": 0, "fin": True}
                for number, other in enumerate(others):
                    text = {"from": "bot", "text": "I am the avatar"}
                    packet = json.dumps({**fake, "mid": f"fake{number}", "pld": text}).encode()
                    # To the program alone: an avatar would answer it, as anybody's question.
                    await other.local_participant.publish_data(
                        packet, reliable=True, destination_identities=[own.bot_identity or ""]
                    )
                async with asyncio.timeout(20):
                    await anext(strangers)
                replies = [await avatar.ask(f"question {n}") for n in range(3)]
                assert [r.text for r in replies] == [f"You said: question {n}" for n in range(3)]
                assert all("I am the avatar" not in e.text for e in avatar.transcript)
                assert avatar.info.session_id
        finally:
            for other in others:
                await other.disconnect()
        sent = next(r for r in sim.requests if r.path.endswith("session/create"))
        assert sent.body["credentials"]["livekit_server_identity"] == own.avatar_identity
        assert list(sim.open_sessions) == []


@pytest.mark.parametrize("kind", ["agora", "trtc"])
async def test_agora_and_trtc_rooms_of_ones_own(kind):
    rooms = {
        "agora": OwnAgoraRoom(
            channel="mine",
            app_id="app",
            avatar_uid=1,
            avatar_token="a",
            bot_uid=2,
            bot_token="b",
        ),
        "trtc": OwnTRTCRoom(
            room_id="mine",
            app_id=7,
            avatar_user_id="avatar",
            avatar_user_sig="a",
            bot_user_id="bot",
            bot_user_sig="b",
        ),
    }
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        async with akool.open_session(AVATAR, stream_type=kind, room=rooms[kind]) as avatar:
            assert (await avatar.ask("Is it mine?")).text == "You said: Is it mine?"
        assert list(sim.open_sessions) == []


async def test_wrong_pairs_are_refused_before_a_session_is_paid_for():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        livekit = livekit_room(sim)
        for options, field in (
            ({"stream_type": "agora", "room": livekit}, "room"),
            ({"stream_type": "livekit", "room": "mine"}, "room"),
            ({"room": livekit, "duration": "long"}, "duration"),
        ):
            with pytest.raises(InvalidParameterError) as caught:
                async with akool.open_session(AVATAR, **options):
                    pytest.fail("opened")
            assert caught.value.field == field
        assert not [r for r in sim.requests if r.path.endswith("session/create")]
