"""A conversation in a v3 session: questions, what is said, and replies."""

from __future__ import annotations

import asyncio
import json

import pytest
from chatroom_session import AVATAR, LIMIT, asked, talking

from akool_async.conversation import ConversationOptions
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.events import ReplyDelta, ReplyDone, UnknownReceived
from akool_async.simulator.behavior import ServiceBehavior
from akool_async.stream.messages import Prompt
from akool_async.testing.waiting import until


class TestAsking:
    async def test_a_question_and_its_reply(self):
        async with talking() as (sim, avatar, _):
            reply = await avatar.ask("Hello")
            assert reply.text == "Hello! How can I assist you today?"
            assert reply.ended == "quiet"
            assert [(e.role, e.text) for e in avatar.transcript] == [
                ("user", "Hello"),
                ("avatar", reply.text),
            ]
        assert asked(sim)[0]["mode_type"] == 2
        assert sim.open_sessions == []

    async def test_goes_by_a_frame_as_the_documents_have_it(self):
        async with talking() as (sim, avatar, session):
            await avatar.ask("Hello", language="en")
            frame = json.loads(next(p for p in sim.packets if p.direction == "in").data)
            room = sim.room(session)
            assert set(frame) == {"type", "to", "payload"}
            assert (frame["type"], frame["to"]) == ("chat", room.server_id)
            assert isinstance(frame["payload"], str)
            assert set(json.loads(frame["payload"])) == {
                "message_id",
                "language",
                "mode_type",
                "question",
            }

    async def test_options_go_with_each_question(self):
        async with talking() as (sim, avatar, _):
            reply = await avatar.ask(
                "Hello",
                voice_id="21m00Tcm4TlvDq8ikWAM",
                voice_url="https://example.com/voice",
                language="de",
                mode=2,
                prompt="You are a pirate.",
            )
            await avatar.ask("Hello")
        first, second = asked(sim)
        assert first["voice_id"] == "21m00Tcm4TlvDq8ikWAM"
        assert first["voice_url"] == "https://example.com/voice"
        assert first["language"] == "de"
        assert first["mode_type"] == 2
        assert first["prompt"] == {"from": "text", "content": "You are a pirate."}
        assert set(second) == {"message_id", "mode_type", "question"}
        # The language comes back by its name, and is read as the code it was sent as.
        assert reply.options.language == "de"

    async def test_the_mode_is_sent_only_where_it_was_given(self):
        async with talking(open_with={"mode": None}) as (sim, avatar, _):
            reply = await avatar.ask("Hello")
            await avatar.ask("Hello", mode=2)
            await avatar.ask("Hello")
        assert ["mode_type" in question for question in asked(sim)] == [False, True, False]
        assert reply.text == "Hello"  # without a mode the service retells

    async def test_a_prompt_by_link(self):
        async with talking() as (sim, avatar, _):
            await avatar.ask("Hello", prompt=Prompt("url", "https://example.com/role.pdf"))
            with pytest.raises(InvalidParameterError, match=r"prompt\.content"):
                await avatar.ask("Hello", prompt=Prompt("url", "http://example.com/role.pdf"))
        assert [question["prompt"] for question in asked(sim)] == [
            {"from": "url", "content": "https://example.com/role.pdf"}
        ]

    @pytest.mark.parametrize(
        ("name", "value"),
        [("mode", 3), ("voice_url", "ftp://x"), ("language", ""), ("voice_id", 7)],
    )
    async def test_a_wrong_option_is_refused_before_anything_is_sent(self, name, value):
        async with talking() as (sim, avatar, _):
            with pytest.raises(InvalidParameterError) as caught:
                await avatar.ask("Hello", **{name: value})
            assert caught.value.field == name
        assert asked(sim) == []

    async def test_set_params_says_what_later_questions_carry(self):
        async with talking() as (sim, avatar, _):
            await avatar.set_params(language="fr", voice_id="v1")
            await avatar.ask("Hello")
            await avatar.ask("Hello", language="es")
            await avatar.set_params(mode=1)
            await avatar.ask("Hello")
        questions = asked(sim)
        assert [question["language"] for question in questions] == ["fr", "es", "fr"]
        assert [question["voice_id"] for question in questions] == ["v1", "v1", "v1"]
        assert [question["mode_type"] for question in questions] == [2, 2, 1]

    async def test_fields_of_open_session_go_with_every_question(self):
        fields = {"language": "it", "voice_id": "v2", "mode": 1}
        async with talking(open_with=fields) as (sim, avatar, _):
            await avatar.ask("Ciao")
        [question] = asked(sim)
        assert (question["language"], question["voice_id"], question["mode_type"]) == (
            "it",
            "v2",
            1,
        )
        [create] = [r for r in sim.requests if r.path.endswith("/create")]
        assert create.body == {"avatar_id": AVATAR}

    async def test_commands_that_v3_does_not_have(self):
        async with talking() as (sim, avatar, _):
            with pytest.raises(NotSupportedError, match="interrupt"):
                await avatar.interrupt()
            with pytest.raises(NotSupportedError, match="act"):
                await avatar.act(action="nod")
            with pytest.raises(NotSupportedError, match="speed"):
                await avatar.set_params(speed=1.1)
        assert asked(sim) == []

    async def test_retelling_says_the_text(self):
        async with talking() as (_, avatar, _):
            reply = await avatar.ask("Good evening, ladies and gentlemen.", mode=1)
            assert reply.text == "Good evening, ladies and gentlemen."

    async def test_a_question_of_several_frames(self):
        question = "word " * 20_000
        async with talking() as (sim, avatar, _):
            asking = asyncio.create_task(avatar.ask(question))
            await until(lambda: len(asked(sim)) == 2)
            frames = asked(sim)
            assert len({frame["message_id"] for frame in frames}) == 1
            assert "".join(frame["question"] for frame in frames) == question
            assert all(len(p.data) <= 65536 for p in sim.packets if p.direction == "in")
            asking.cancel()
            await asyncio.wait([asking])


class TestSaying:
    async def test_a_text_goes_as_a_question_in_retelling_mode(self):
        async with talking() as (sim, avatar, _):
            assert await avatar.say("Good evening.").spoken()
            assert (await avatar.ask("Hello")).text.startswith("Hello!")
        said, question = asked(sim)
        assert (said["question"], said["mode_type"]) == ("Good evening.", 1)
        assert question["mode_type"] == 2  # what later questions carry is as it was

    async def test_a_token_stream_goes_in_frames_of_one_message(self):
        async def tokens():
            for token in ("Good ", "evening. ", "How ", "are ", "you?"):
                yield token
                await asyncio.sleep(0)

        async with talking() as (sim, avatar, _):
            utterance = avatar.say(tokens())
            assert await utterance.spoken()
            assert utterance.text_sent == "Good evening. How are you?"
        frames = asked(sim)
        assert len({frame["message_id"] for frame in frames}) == 1
        assert "".join(frame["question"] for frame in frames) == "Good evening. How are you?"
        assert all(frame["question"] for frame in frames)  # no end mark: v3 has none
        assert all(frame["mode_type"] == 1 for frame in frames)

    async def test_a_stream_that_ends_after_its_last_text_left(self):
        async def tokens():
            yield "All of it. "
            await until(lambda: len(asked(sim)) == 1)

        async with talking() as (sim, avatar, _):
            utterance = avatar.say(tokens())
            await utterance
            assert await utterance.spoken()
            assert [frame["question"] for frame in asked(sim)] == ["All of it. "]
            assert avatar._conversation.driver.outbox.waiting_bytes == 0
            assert not avatar._conversation.driver.outbox._queue._lanes

    async def test_cancelled_it_sends_nothing_more(self):
        go_on = asyncio.Event()

        async def tokens():
            yield "First sentence. "
            await go_on.wait()
            yield "Second."

        async with talking() as (sim, avatar, _):
            utterance = avatar.say(tokens())
            await until(lambda: len(asked(sim)) == 1)
            await utterance.cancel()
            go_on.set()
            assert not await utterance.spoken()
            assert (await avatar.ask("Hello")).text
        assert [frame["question"] for frame in asked(sim)] == ["First sentence. ", "Hello"]

    async def test_carries_the_voice_that_was_set(self):
        async with talking() as (sim, avatar, _):
            await avatar.set_params(voice_id="v9", language="en")
            await avatar.say("Good evening.").spoken()
        assert (asked(sim)[0]["voice_id"], asked(sim)[0]["language"]) == ("v9", "en")


class TestReplies:
    async def test_pieces_as_they_come(self):
        text = "one two three four five six seven eight nine ten eleven twelve"
        async with talking(reply=lambda _: text, piece_words=4) as (_, avatar, _):
            pieces = [piece async for piece in avatar.stream("Count")]
        assert len(pieces) == 3
        assert "".join(pieces) == text

    async def test_pieces_come_before_the_end(self):
        go_on = asyncio.Event()

        async def reply(_):
            yield "first "
            await go_on.wait()
            yield "second"

        options = ConversationOptions(v3_quiet_time=LIMIT)
        async with (
            talking(reply=reply, options=options) as (_, avatar, _),
            avatar.stream("Go") as stream,
        ):
            assert await anext(stream) == "first "
            assert stream.reply is None
            go_on.set()
            assert await anext(stream) == "second"

    async def test_is_over_at_the_next_message(self):
        options = ConversationOptions(v3_quiet_time=LIMIT)
        async with talking(options=options) as (sim, avatar, _):
            first = asyncio.create_task(avatar.ask("one"))
            await until(lambda: len(asked(sim)) == 1)
            async with avatar.stream("two") as stream:
                await anext(stream)
                reply = await first
        assert reply.text == "You said: one"
        assert reply.ended == "next"

    async def test_is_over_after_the_quiet_time(self):
        async with talking() as (_, avatar, _):
            reply = await avatar.ask("one")
            assert reply.ended == "quiet"
            assert reply.took >= 0.2

    async def test_no_other_limit_ends_it_before(self):
        options = ConversationOptions(v3_quiet_time=0.4, quiet_time=0.01, audio_end_timeout=0.01)
        async with talking(options=options) as (_, avatar, _):
            assert (await avatar.ask("one")).took >= 0.4

    async def test_several_in_flight_go_to_their_own_callers(self):
        async with talking(reply=lambda text: f"re: {text}") as (_, avatar, _):
            texts = [f"question {number}" for number in range(20)]
            replies = await asyncio.gather(*map(avatar.ask, texts))
        assert [reply.text for reply in replies] == [f"re: {text}" for text in texts]

    @pytest.mark.parametrize(
        "behavior",
        [
            ServiceBehavior(payload_base64=True),
            ServiceBehavior(reply_mid="other"),
            ServiceBehavior(second_chat="interrupt"),
            ServiceBehavior.worst_mix().but(room_end="room_closes", second_chat="queue"),
        ],
        ids=["base64", "other message_id", "second chat interrupts", "worst mix"],
    )
    async def test_whatever_the_documents_leave_open(self, behavior):
        async with talking(behavior=behavior) as (_, avatar, _):
            for text in ("one", "two 😀 three", "four"):
                assert (await avatar.ask(text)).text == f"You said: {text}"

    async def test_retelling_that_sends_no_text(self):
        """What was said is what we sent, after the time that saying it may take."""
        options = ConversationOptions(
            v3_quiet_time=0.1, speech_margin=0.1, words_per_second=100, quiet_time=0.1
        )
        async with talking(behavior=ServiceBehavior(retelling_text=False), options=options) as (
            _,
            avatar,
            _,
        ):
            reply = await avatar.ask("Said and not shown.", mode=1)
        assert reply.text == "Said and not shown."
        assert reply.ended == "quiet"

    async def test_what_is_no_message_is_reported_and_counted(self):
        async with talking() as (sim, avatar, session):
            events = avatar.events(UnknownReceived)
            await sim.fault(session, "not_json", text="hello?")
            await sim.fault(session, "binary")
            assert (await anext(events)).raw == b"hello?"
            assert (await avatar.ask("Hello")).text
            assert avatar.stats.unknown_packets == 1
            assert avatar.stats.dropped == {"binary": 1}

    async def test_a_frame_of_a_megabyte_is_no_hindrance(self):
        async with talking(reply=lambda text: "x" * 50) as (sim, avatar, session):
            await sim.fault(session, "big_frame", size=2**20)
            assert (await avatar.ask("Hello")).text == "x" * 50
            assert avatar.stats.unknown_packets == 1

    async def test_events_report_everything(self):
        async with talking() as (_, avatar, _):
            events = avatar.events(ReplyDelta, ReplyDone)
            reported = []

            @avatar.on(ReplyDone)
            def note(event):
                reported.append(event.reply.text)

            reply = await avatar.ask("Hello")
            text = ""
            async for event in events:
                if isinstance(event, ReplyDone):
                    break
                text += event.text
            assert text == reply.text
            await until(lambda: reported == [reply.text])
