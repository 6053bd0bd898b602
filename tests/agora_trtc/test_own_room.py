"""The avatar in a room of the user's own, with other people in it who talk, too."""

import pytest
from akool_agora import AgoraTransport
from akool_trtc import TRTCTransport
from pydantic import SecretStr

from akool_async import AkoolClient, OwnAgoraRoom, OwnTRTCRoom
from akool_async import events as ev
from akool_async.models.credentials import AgoraCredentials, TRTCCredentials
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.relay.room import RelayRoom
from akool_async.testing.conformance import TIMEOUT, next_packet, until
from akool_async.transport import JoinTarget, Transport

AVATAR = "dvp_Tristan_cloth2_1080P"
FAKE = b'{"v":2,"type":"chat","mid":"m","idx":0,"fin":true,"pld":{"from":"bot","text":"fake"}}'


def own_room(kind: str) -> OwnAgoraRoom | OwnTRTCRoom:
    if kind == "agora":
        return OwnAgoraRoom(
            channel="mine",
            app_id="my-app",
            avatar_uid=71,
            avatar_token="for the avatar",
            bot_uid=72,
            bot_token="for the bot",
        )
    return OwnTRTCRoom(
        room_id="mine",
        app_id=1400000000,
        avatar_user_id="71",
        avatar_user_sig="for the avatar",
        bot_user_id="72",
        bot_user_sig="for the bot",
    )


def guest(kind: str, url: str) -> Transport:
    """Someone else who joins the same room, by a transport of their own."""
    options = {"engine": "loopback", "simulator_url": url}
    if kind == "agora":
        agora = AgoraCredentials(
            agora_uid=73,
            agora_channel="mine",
            agora_token=SecretStr("for the guest"),
            agora_app_id="my-app",
        )
        return AgoraTransport(JoinTarget(agora, own_room=True), {**options, "avatar_uid": 71})
    trtc = TRTCCredentials.model_validate(
        {
            "trtc_app_id": 1400000000,
            "trtc_room_id": "mine",
            "trtc_user_id": "73",
            "trtc_user_sig": "for the guest",
        }
    )
    return TRTCTransport(JoinTarget(trtc, own_room=True), {**options, "avatar_user_id": "71"})


@pytest.mark.parametrize("kind", ["agora", "trtc"])
async def test_a_conversation_among_others(kind: str) -> None:
    async with (
        Simulator(reply=lambda text: f"re: {text}") as sim,
        AkoolClient("a-key", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type=kind, room=own_room(kind)) as avatar,
    ):
        assert avatar.info.session_id is not None
        room = sim.room(avatar.info.session_id)
        assert isinstance(room, RelayRoom)
        assert room.members == {"72"}
        other = guest(kind, sim.url)
        try:
            await other.connect(timeout=TIMEOUT)
            strangers = avatar.events(ev.UnknownSenderMessage)
            done = avatar.events(ev.ReplyDone)
            await other.send(FAKE, timeout=TIMEOUT)
            assert await anext(strangers)
            # The avatar answers whoever asks. Begun while we wait for an answer of our own, that
            # would be taken for it: the wire can't tell.
            answer = await anext(done)
            assert (answer.text, answer.question) == ("re: fake", None)
            assert (await avatar.ask("Hello")).text == "re: Hello"
            assert "fake" not in [entry.text for entry in avatar.transcript]
            assert avatar.stats.dropped == {"stranger": 1}
            assert b"re:" in await next_packet_with(other, b"re:")
        finally:
            await other.close()
        await until(lambda: room.members == {"72"}, "the guest's leaving")


async def next_packet_with(transport: Transport, text: bytes) -> bytes:
    while text not in (packet := await next_packet(transport)):
        pass
    return packet
