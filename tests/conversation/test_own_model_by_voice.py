"""A visitor talks with a program's own language model through every kind of avatar.

In retelling mode the live service speaks back what it recognises (docs/protocol.md §2 "Observed on
the live service"); the transcript must have what the visitor said once, and each answer once.
"""

from __future__ import annotations

import asyncio

import pytest

from akool_async import AkoolClient, ConversationOptions, HandlerFailed, RespondWith
from akool_async.errors import InvalidParameterError
from akool_async.simulator import ServiceBehavior, Simulator
from akool_async.simulator.avatar.avatar import GREETING
from akool_async.testing.waiting import until

OPTIONS = ConversationOptions(
    quiet_time=0.4, fin_timeout=3.0, audio_end_timeout=0.1, interrupt_timeout=0.3, speech_margin=0.4
)
BEHAVIORS = {
    **ServiceBehavior.presets(),
    **ServiceBehavior.all_alternatives(),
    **{f"random={seed}": ServiceBehavior.random(seed) for seed in range(1, 9)},
}
#: Longer than the pause within an utterance that is reported in two texts.
MERGE = 0.4


def words(texts) -> str:
    return " ".join(" ".join(texts).split())


async def visit(behavior: ServiceBehavior, stream_type: str) -> None:
    long_answer = " ".join(f"Sentence number {n}." for n in range(60))

    async def answer(turn):
        if "story" in turn.text:
            for word in long_answer.split(" "):
                yield f"{word} "
                await asyncio.sleep(0.001)
        elif "say after me" in turn.text:
            yield turn.text
        else:
            yield f"You asked about {turn.text}. "
            yield "And that is all."

    said = [
        "the price of trains",
        "You asked about the price of trains.",  # as the avatar said
        "please say after me",  # the answer is the visitor's own words
        "tell me a long story now",
        "no stop that please",
    ]
    async with (
        Simulator(behavior=behavior, pace=0.001) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type=stream_type, mode=1, options=OPTIONS
        ) as avatar,
    ):
        failed: list[BaseException] = []
        avatar.on(HandlerFailed)(lambda event: failed.append(event.error))
        responder = await avatar.respond_with(
            answer, merge_window=MERGE if behavior.splits_utterances else 0.0
        )
        session = sim.open_sessions[0]

        def lines(role: str) -> list[str]:
            return [
                entry.text
                for entry in avatar.transcript
                if entry.role == role and entry.text.strip() != GREETING and entry.text
            ]

        expected = []
        for number, text in enumerate(said):
            await sim.user_says(session, text)
            await until(lambda n=number: responder.turns == n + 1)
            await until(lambda n=number: len(lines("avatar")) == n + 1, f"an answer to {text!r}")
            if "story" in text:
                expected.append("Sentence number 0.")
                await until(lambda: len(lines("avatar")[-1]) > 100)
                continue
            ours = text if "after me" in text else f"You asked about {text}. And that is all."
            expected.append(ours)
            await until(lambda: not avatar._conversation.speech.busy)
            await until(lambda: avatar.transcript[-1].ended is not None)

        assert words(lines("user")) == words(said)
        assert len(lines("avatar")) == len(expected)
        for shown, ours in zip(lines("avatar"), expected, strict=True):
            assert words([shown]).startswith(ours)
            assert "story" not in shown
        assert responder.turns == len(said)
        assert failed == []


#: Of single switches, those that matter to what is heard and said.
SPOKEN = {
    "splits_utterances",
    "speaks_by_itself",
    "greets",
    "reply_mid",
    "fin",
    "fin_place",
    "audio_events",
    "retelling_text",
    "retelling_paced",
    "speaks_before_fin",
    "second_chat",
    "answer_mid",
    "interrupted_fin",
}


@pytest.mark.parametrize("name", [n for n in BEHAVIORS if "=" not in n or n[:6] == "random"])
async def test_mixed_behaviors(name):
    await visit(BEHAVIORS[name].but(echoes_user_speech=True, all_credentials=False), "trtc")


@pytest.mark.parametrize("name", [n for n in BEHAVIORS if n.split("=")[0] in SPOKEN])
async def test_every_behavior_that_matters(name):
    await visit(BEHAVIORS[name].but(echoes_user_speech=True), "trtc")


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in BEHAVIORS if n.split("=")[0] not in SPOKEN])
@pytest.mark.parametrize("echoes", [True, False], ids=["echoes", "no_echo"])
async def test_every_other_behavior(name, echoes):
    await visit(BEHAVIORS[name].but(echoes_user_speech=echoes, all_credentials=False), "trtc")


@pytest.mark.real_clock
@pytest.mark.parametrize("stream_type", ["agora", "livekit"])
@pytest.mark.parametrize("splits", [True, False], ids=["splits", "whole"])
async def test_every_room(stream_type, splits):
    behavior = ServiceBehavior(echoes_user_speech=True, splits_utterances=splits)
    await visit(behavior, stream_type)


async def test_with_respond_with_the_first_words_have_one_answer():
    """The visitor speaks as soon as the room is joined; the service itself answers nothing."""
    async with (
        Simulator(behavior=ServiceBehavior(echoes_user_speech=True, default_mode=2)) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):
        opening = akool.open_session(
            "dvp_Tristan_cloth2_1080P",
            stream_type="trtc",
            options=OPTIONS,
            respond_with=lambda turn: f"You said {turn.text}.",
        )

        async def visitor() -> None:
            await until(lambda: sim.open_sessions and sim.avatar(sim.open_sessions[0]).present)
            await sim.user_says(sim.open_sessions[0], "first words")

        speaking = asyncio.create_task(visitor())
        async with opening as avatar:
            await speaking
            await until(lambda: len(avatar.transcript) == 2 and avatar.transcript[1].ended)
            assert [(entry.role, entry.text) for entry in avatar.transcript] == [
                ("user", "first words"),
                ("avatar", "You said first words."),
            ]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"respond_with": "hello"}, "respond_with"),
        ({"respond_with": lambda turn: None, "mode": 2}, "mode"),
        ({"respond_with": lambda turn: None, "legacy": True}, "respond_with"),
    ],
)
async def test_a_wrong_responder_is_refused_before_anything_is_paid(options, field):
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        with pytest.raises(InvalidParameterError) as caught:
            await akool.open_session("dvp_Tristan_cloth2_1080P", **options)
        assert caught.value.field == field
        assert not sim.sessions


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"function": None}, "function"),
        ({"filler": " "}, "filler"),
        ({"filler_after": -1}, "filler_after"),
        ({"merge_window": "long"}, "merge_window"),
        ({"delay": float("inf")}, "delay"),
        ({"split": "words"}, "split"),
        ({"splitter": "words"}, "splitter"),
    ],
)
def test_wrong_settings_of_a_responder_are_refused(options, field):
    with pytest.raises(InvalidParameterError) as caught:
        RespondWith(**{"function": print, **options})
    assert caught.value.field == field
