"""An unreliable, unordered channel: what a conversation over Agora makes of it."""

import asyncio
import json
from collections import Counter

import pytest
from akool_agora import EngineEvents, Room
from akool_agora.loopback import LoopbackEngine

from akool_async import AkoolClient, ConversationOptions, Reply
from akool_async.errors import CommandTimeoutError, ReplyIncompleteError, ReplyTimeoutError
from akool_async.simulator import NetworkConditions, Simulator
from akool_async.testing.conformance import TIMEOUT

AVATAR = "dvp_Tristan_cloth2_1080P"
WORDS = [f"word{n}" for n in range(40)]
REPLY = " ".join(WORDS)
#: 5 % loss, 5 % doubling, 5 % disorder, either way.
POOR = {"loss": 0.05, "double": 0.05, "reorder": 0.05, "reorder_delay": 0.05}
OPTIONS = ConversationOptions(
    command_resend=0.15, command_timeout=TIMEOUT, reply_timeout=12.0, quiet_time=1.0
)


class Recording:
    """The loopback engine, with everything written down that was handed to it."""

    def __init__(self, base_url: str) -> None:
        self._engine = LoopbackEngine(base_url)
        self.sent: list[bytes] = []

    async def join(self, room: Room, events: EngineEvents) -> None:
        await self._engine.join(room, events)

    async def send(self, packet: bytes) -> None:
        self.sent.append(packet)
        await self._engine.send(packet)

    async def renew_token(self, token: str) -> None:
        await self._engine.renew_token(token)

    async def leave(self) -> None:
        await self._engine.leave()


@pytest.mark.slow
async def test_commands_are_answered_and_chat_is_sent_once() -> None:
    conditions = NetworkConditions(**POOR, seed=6)
    async with (
        Simulator(reply=lambda _: REPLY, conditions=conditions) as sim,
        AkoolClient("a-key", base_url=sim.url) as akool,
    ):
        engine = Recording(sim.url)
        async with akool.open_session(
            AVATAR, stream_type="agora", engine=engine, options=OPTIONS
        ) as avatar:
            for _ in range(120):
                await avatar.set_params(language="en")
            assert avatar.stats.commands_resent > 0

            outcomes = await asyncio.gather(
                *(avatar.ask(f"question {n}") for n in range(30)), return_exceptions=True
            )
        whole = [o for o in outcomes if isinstance(o, Reply)]
        partial = [o for o in outcomes if isinstance(o, ReplyIncompleteError)]
        late = [o for o in outcomes if isinstance(o, ReplyTimeoutError)]
        assert len(whole) + len(partial) + len(late) == 30, outcomes
        assert len(whole) >= 5
        assert partial
        assert {o.text for o in whole} == {REPLY}
        for error in partial:
            kept = error.text.split()
            assert kept == [word for word in WORDS if word in kept]
            assert len(kept) < len(WORDS)
            assert error.missing
        assert all(REPLY.startswith(error.text) for error in late)

        chats = [json.loads(p) for p in engine.sent if b'"chat"' in p]
        parts = Counter((m["mid"], m["idx"]) for m in chats)
        assert set(parts.values()) == {1}
        assert len({m["mid"] for m in chats}) == 30


async def test_a_command_that_nothing_answers_raises_in_time() -> None:
    conditions = NetworkConditions()
    async with (
        Simulator(conditions=conditions) as sim,
        AkoolClient("a-key", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type="agora", options=OPTIONS) as avatar,
    ):
        conditions.loss = 1.0
        async with asyncio.timeout(TIMEOUT):
            with pytest.raises(CommandTimeoutError):
                await avatar.set_params(language="en", timeout=0.5)
        assert avatar.stats.commands_resent >= 1
        conditions.loss = 0.0
        await avatar.set_params(language="en")


async def test_trtc_hides_what_the_network_does() -> None:
    conditions = NetworkConditions(**POOR, seed=6)
    async with (
        Simulator(reply=lambda _: REPLY, conditions=conditions) as sim,
        AkoolClient("a-key", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type="trtc") as avatar,
    ):
        for number in range(5):
            assert (await avatar.ask(f"question {number}")).text == REPLY
        assert avatar.stats.incomplete_replies == 0
