"""A whole conversation with every kind of avatar that the documents leave possible.

See docs/protocol.md §2 "Still open": each alternative by itself, the worst mix, and mixtures at
random whose seeds are in the tests' names.
"""

from __future__ import annotations

import asyncio

import pytest

from akool_async import (
    AkoolClient,
    ConversationOptions,
    Disconnected,
    ReplyDone,
    TranscriptEntry,
    UserSpoke,
)
from akool_async.errors import DisconnectedError
from akool_async.simulator import ServiceBehavior, Simulator
from akool_async.simulator.avatar.avatar import GREETING
from akool_async.testing.waiting import until

SEEDS = range(1, 7)
ALTERNATIVES = {
    **ServiceBehavior.presets(),
    **ServiceBehavior.all_alternatives(),
    **{f"random={seed}": ServiceBehavior.random(seed) for seed in SEEDS},
}
OPTIONS = ConversationOptions(
    command_resend=0.2,
    quiet_time=0.4,
    fin_timeout=3.0,
    audio_end_timeout=0.1,
    interrupt_timeout=0.3,
    speech_margin=0.4,
)


def reply(text: str) -> str:
    return f"You asked: {text} — answered \N{GRINNING FACE} with care"


#: Those that matter while the avatar speaks and is interrupted.
SPEAKING = [
    name
    for name in ALTERNATIVES
    if name.split("=")[0]
    in {
        *ServiceBehavior.presets(),
        "random",
        "greets",
        "echoes_user_speech",
        "splits_utterances",
        "drops_before_video",
        "fin",
        "empty_last_part",
        "audio_events",
        "retelling_text",
        "retelling_paced",
        "speaks_before_fin",
        "second_chat",
        "interrupted_fin",
        "reply_mid",
    }
]


@pytest.fixture(params=ALTERNATIVES, ids=str)
def behavior(request) -> ServiceBehavior:
    return ALTERNATIVES[request.param]


def spoken(avatar) -> list[tuple[str, str]]:
    return [(entry.role, entry.text) for entry in entries(avatar)]


async def next_reply(done) -> ReplyDone:
    """The next reply that isn't an avatar's own greeting."""
    async for reply_done in done:
        if reply_done.text.strip() != GREETING:
            return reply_done
    raise AssertionError("no reply")


def entries(avatar) -> list[TranscriptEntry]:
    """What was said, without an avatar's own greeting."""
    return [entry for entry in avatar.transcript if entry.text.strip() != GREETING]


async def test_a_whole_conversation(behavior):
    await hold_a_conversation(behavior, "agora")


@pytest.mark.real_clock
@pytest.mark.parametrize("behavior", ServiceBehavior.presets(), indirect=True)
async def test_a_whole_conversation_over_livekit(behavior):
    await hold_a_conversation(behavior, "livekit")


async def hold_a_conversation(behavior: ServiceBehavior, stream_type: str) -> None:
    async with (
        Simulator(behavior=behavior, reply=reply) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type=stream_type, options=OPTIONS
        ) as avatar,
    ):
        await avatar.set_params(mode=2, language="en")
        session = sim.open_sessions[0]
        speech = avatar.events(UserSpoke)
        done = avatar.events(ReplyDone)

        assert (await avatar.ask("first")).text == reply("first")
        await next_reply(done)
        pieces = [piece async for piece in avatar.stream("second")]
        assert "".join(pieces) == reply("second")
        assert len(pieces) > 1
        await next_reply(done)

        await sim.user_says(session, "spoken")
        heard = await anext(speech)
        assert heard.text == "spoken"
        answer = await next_reply(done)
        assert (answer.text, answer.question) == (reply("spoken"), None)

        assert (await avatar.ask("third")).text == reply("third")
        await avatar.act(action="nod")
        assert sim.avatar(session).actions == [{"action": "nod"}]

        assert spoken(avatar) == [
            ("user", "first"),
            ("avatar", reply("first")),
            ("user", "second"),
            ("avatar", reply("second")),
            ("user", "spoken"),
            ("avatar", reply("spoken")),
            ("user", "third"),
            ("avatar", reply("third")),
        ]
        assert all(entry.complete for entry in entries(avatar))
        assert avatar.stats.unknown_packets == 0
    assert sim.open_sessions == []


async def test_retelling_says_the_text(behavior):
    async with (
        Simulator(behavior=behavior) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type="agora", mode=1, options=OPTIONS
        ) as avatar,
    ):
        reply = await avatar.ask("Please say this")
        assert reply.text == "Please say this"
        assert spoken(avatar) == [("user", "Please say this"), ("avatar", "Please say this")]


@pytest.mark.parametrize("behavior", SPEAKING, indirect=True)
async def test_an_interrupted_reply_ends(behavior):
    async with (
        Simulator(behavior=behavior, pace=0.05, reply=lambda _: "word " * 400) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type="agora", options=OPTIONS
        ) as avatar,
    ):
        stream = avatar.stream("go on and on")
        await anext(stream)
        async with asyncio.timeout(10):
            await avatar.interrupt()
            async for _ in stream:
                pass
        assert stream.reply is not None
        assert stream.reply.text.startswith("word ")
        assert len(stream.reply.text) < 5 * 400
        assert entries(avatar)[-1].text == stream.reply.text


@pytest.mark.parametrize("room_end", ["room_closes", "avatar_leaves", "silence"])
async def test_the_room_ends_with_the_session(room_end):
    behavior = ServiceBehavior(room_end=room_end)
    options = ConversationOptions(
        ending_timeout=0.5, avatar_return=5.0, opening_timeout=1.0, command_resend=0.2
    )
    async with (
        Simulator(behavior=behavior) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type="agora", duration=1, options=options
        ) as avatar,
    ):
        events = avatar.events(Disconnected)
        async with asyncio.timeout(20):
            ended = await anext(events)
        assert ended.reason == "duration"
        with pytest.raises(DisconnectedError, match="duration is up"):
            await avatar.ask("still there?")


@pytest.mark.parametrize("behavior", SPEAKING, indirect=True)
@pytest.mark.parametrize("parts", ["one_message", "message_per_sentence"])
async def test_queued_utterances_are_all_said_in_full(behavior, parts):
    """Also by an avatar that a second chat interrupts."""
    texts = ["First sentence. And a second one.", "Then another text."]

    async def tokens(text: str):
        for word in text.split(" "):
            yield f"{word} "
            await asyncio.sleep(0)

    async with (
        Simulator(behavior=behavior, pace=0.01) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type="agora", mode=1, options=OPTIONS
        ) as avatar,
    ):
        first = avatar.say(tokens(texts[0]), split=parts)
        second = avatar.say(texts[1], split=parts)
        assert await first.spoken()
        assert await second.spoken()
        said = " ".join(entry.text for entry in entries(avatar))
        assert " ".join(said.split()) == " ".join(texts)
        assert not any(entry.interrupted for entry in entries(avatar))
        assert {entry.role for entry in entries(avatar)} == {"avatar"}


@pytest.mark.parametrize("behavior", SPEAKING, indirect=True)
async def test_a_responder_answers_and_is_cut_in_on(behavior):
    async def answer(turn):
        yield f"About {turn.text}: "
        for number in range(200):
            yield f"sentence {number}. "
            await asyncio.sleep(0.01)

    async with (
        Simulator(behavior=behavior, pace=0.01) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type="trtc", mode=1, options=OPTIONS
        ) as avatar,
    ):
        responder = await avatar.respond_with(answer)
        session = sim.open_sessions[0]

        async def begun(count: int) -> None:
            await until(
                lambda: sum(e.role == "avatar" and bool(e.text) for e in entries(avatar)) >= count
            )

        await sim.user_says(session, "trains")
        await begun(1)
        await sim.user_says(session, "planes")
        await begun(2)
        await responder.stop()
        # A visitor who speaks while the avatar greets interrupts it.
        assert responder.barge_ins in ({1, 2} if behavior.greets else {1})
        assert [(e.role, e.text[:12]) for e in entries(avatar)] == [
            ("user", "trains"),
            ("avatar", "About trains"),
            ("user", "planes"),
            ("avatar", "About planes"),
        ]
        await until(lambda: entries(avatar)[1].interrupted)
