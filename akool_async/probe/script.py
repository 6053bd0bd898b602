"""The fixed script of a version 4 session: what is sent, and what the answers show."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Literal

from akool_async.errors import AkoolError, DisconnectedError
from akool_async.probe.findings import Findings
from akool_async.probe.room import Answer, ProbeRoom, same_words
from akool_async.probe.wire import Seen
from akool_async.stream.codec import new_mid
from akool_async.stream.messages import Command, Interrupt, SetAction, SetParams, VoiceParams
from akool_async.transport import ConnectionState

__all__ = ["SPEECH_ROWS", "Script", "Speak", "mode_of"]

#: Has the avatar hear something; given 1 and 2, for the first and the second time.
Speak = Callable[[ProbeRoom, int], Awaitable[None]]

QUESTION: Final = (
    "Which days does a week have? Please name all seven of them in their order, and nothing else."
)
LONG_QUESTION: Final = (
    "Please count from one to one hundred in words, slowly, one number after another, and leave "
    "none of them out, not even those that are hard to say."
)
#: The character outside the BMP is cut in two by a careless sender.
LONG_TEXT: Final = (
    "This is a sentence of twenty words \N{GRINNING FACE} that takes a while to say, so that one "
    "can see how it is cut into pieces."
)
IN_PARTS: Final = "The first half of this sentence is sent at once, and the second half later."
SECOND_TEXT: Final = "And this is the second text."
AFTER_REJOIN: Final = "Is this text said again or is it answered?"

#: What only speech that is heard shows.
SPEECH_ROWS: Final = ("echoes_user_speech", "splits_utterances", "speaks_by_itself", "echo_mid")

#: Seconds.
_GREETING: Final = 3.0
_PUBLISHED: Final = 10.0
_UNANSWERED: Final = 1.5
_BETWEEN_PARTS: Final = 2.0
_AFTER_INTERRUPT: Final = 1.5
_SILENCE: Final = 2.0
_UNDERSTOOD: Final = 8.0
_SPLIT: Final = 1.5
_REJOIN: Final = 10.0


def mode_of(answer: Answer, *, retelling_shown: bool | None) -> Literal[1, 2] | None:
    """In which mode a text was answered.

    Args:
        answer: what came after it.
        retelling_shown: whether texts that are said again are sent, too; `None`: not known.
    """
    if answer.parts:
        return 1 if same_words(answer.text, answer.asked.text) else 2
    return 1 if retelling_shown is False and not answer.silent else None


class Script:
    """One session's script; `run` fills `findings`.

    Args:
        room: it is joined.
        findings: where what is seen goes.
        speak: has the avatar hear something; `None`: nothing can.
        on_step: called with each step's name.
        ends: when the session's time is up, in seconds of the loop's clock.
    """

    def __init__(
        self,
        room: ProbeRoom,
        findings: Findings,
        *,
        speak: Speak | None,
        on_step: Callable[[str], None],
        ends: float,
    ) -> None:
        self._room = room
        self._findings = findings
        self._speak = speak
        self._on_step = on_step
        self._ends = ends
        self._replies: list[Answer] = []
        self._commands: list[Seen | None] = []
        self._first: Answer | None = None
        self._retold: Answer | None = None

    async def run(self) -> None:
        """Runs every step for which there is time; what is seen is in `findings`.

        A room that ends meanwhile ends the script.
        """
        steps: list[tuple[str, float, tuple[str, ...], Callable[[], Awaitable[None]]]] = [
            ("the avatar's arrival", 3.0, ("drops_before_video",), self._arrival),
            ("silence, before anything is sent", 4.0, ("greets",), self._greeting),
            ("a question, without a mode", 9.0, ("default_mode",), self._question),
            ("a long answer, interrupted", 6.0, ("interrupted_fin",), self._interrupted),
            ("a long text, retold", 8.0, ("retelling_text", "retelling_paced"), self._retelling),
        ]
        if self._speak is not None:
            steps.append(("recognised speech", 10.0, SPEECH_ROWS, self._speech))
        steps += [
            ("a text in two parts", 8.0, ("speaks_before_fin",), self._in_parts),
            ("two texts in a row", 9.0, ("second_chat",), self._two_texts),
            ("a gesture", 1.0, ("action",), self._action),
            ("silence", 2.5, ("silence",), self._silence),
            ("leaving and joining again", 8.0, ("resets_parameters",), self._rejoined),
        ]
        for name, needed, rows, step in steps:
            await self._step(name, needed, rows, step)
        self._findings.read_commands(self._commands)
        self._findings.read_replies(self._replies)
        self._findings.read_log(self._room.log)

    async def _step(
        self,
        name: str,
        needed: float,
        rows: tuple[str, ...],
        step: Callable[[], Awaitable[None]],
    ) -> None:
        left = self._ends - self._room.now()
        why = "what came doesn't show it"
        if self._room.ended is not None:
            why = f"the room had ended before ({self._room.ended.reason})"
        elif left < needed:
            why = "the session's time was up"
        else:
            self._on_step(name)
            try:
                async with asyncio.timeout(left):
                    await step()
            except TimeoutError:
                why = "the session's time was up meanwhile"
            except DisconnectedError as error:
                why = f"the room ended meanwhile ({error.reason})"
            except AkoolError as error:
                why = f"it failed: {type(error).__name__}"
        for row in rows:
            self._findings.missed(row, why)

    async def _command(self, command: Command) -> Seen | None:
        answer = await self._room.command(command)
        self._commands.append(answer)
        return answer

    async def _set(
        self, *, mode: Literal[1, 2] | None = None, vparams: VoiceParams | None = None
    ) -> None:
        await self._command(SetParams(new_mid(), lang="en", mode=mode, vparams=vparams))

    async def _be_silent(self) -> None:
        """Ends what the avatar says."""
        await self._command(Interrupt(new_mid()))
        await self._room.quiet(0.5, most=2.0)

    # The steps.

    async def _arrival(self) -> None:
        room, findings = self._room, self._findings
        published = room.transport.avatar_publishing
        if published is None:
            findings.missed("drops_before_video", "this kind of room doesn't say what is published")
            return
        drops, seen = False, "the avatar had published when the room was joined"
        if not published:
            early = await room.command(SetParams(new_mid(), lang="en"), limit=_UNANSWERED)
            drops, seen = True, "a command before the avatar published got no answer"
            if early is not None:
                self._commands.append(early)
                drops, seen = False, "a command before the avatar published was answered"
            await room.until(lambda: bool(room.transport.avatar_publishing), _PUBLISHED)
        # The default, `None`, is: in Agora rooms only.
        usual = drops == (findings.stream_type == "agora")
        findings.found("drops_before_video", None if usual else drops, seen)

    async def _greeting(self) -> None:
        room = self._room
        spoken = await room.until(lambda: bool(self._unasked(0)), _GREETING)
        if spoken:
            await room.quiet(1.0, most=5.0)
        self._findings.found("greets", spoken)

    def _unasked(self, place: int) -> list[Seen]:
        return self._room.since(place, "bot", "audio_start")

    async def _question(self) -> None:
        room = self._room
        await self._set()
        asked = await room.send(QUESTION)
        answer = await room.wait_answer(asked, most=10.0)
        if not answer.over:
            await self._be_silent()
        self._first = answer
        self._replies.append(answer)
        self._find_default_mode()

    def _find_default_mode(self) -> None:
        shown = self._findings.switches.get("retelling_text")
        mode = None if self._first is None else mode_of(self._first, retelling_shown=shown)
        if mode is not None:
            self._findings.found("default_mode", mode)

    async def _interrupted(self) -> None:
        room, findings = self._room, self._findings
        await self._set(mode=2)
        asked = await room.send(LONG_QUESTION)
        await room.until(lambda: bool(room.since(asked.place, "bot")), 6.0)
        before = room.answer(asked)
        if not before.parts:
            findings.missed("interrupted_fin", "no text came in dialogue mode")
            return
        self._replies.append(replace(before, over=False))
        place = len(room.log)
        await self._command(Interrupt(new_mid()))
        await room.quiet(_AFTER_INTERRUPT, most=4.0)
        mid = before.parts[0].mid
        if any(part.fin for part in before.parts):
            findings.missed("interrupted_fin", "the answer was complete before it was interrupted")
        elif any(part.fin is not None for part in room.since(0, "bot")):
            after = [part for part in room.since(place, "bot") if part.mid == mid]
            findings.found("interrupted_fin", any(part.fin for part in after))
        else:
            findings.missed("interrupted_fin", "`fin` is never sent")

    async def _retelling(self) -> None:
        findings = self._findings
        await self._set(mode=1)
        answer = await self._room.wait_answer(await self._room.send(LONG_TEXT), most=12.0)
        self._retold = answer
        self._replies.append(answer)
        if not answer.parts:
            dialogue = self._first is not None and not self._first.silent
            if not answer.silent or dialogue:
                findings.found("retelling_text", False)
                self._find_default_mode()
            findings.missed("retelling_paced", "the text isn't sent in retelling mode")
            return
        retold = same_words(answer.text, LONG_TEXT)
        findings.found("retelling_text", True)
        findings.seen["retelling_text"] = "the same words" if retold else "other words"
        self._find_default_mode()
        worded = [part.at for part in answer.parts if part.text] or [answer.parts[0].at]
        first, last = worded[0], worded[-1]
        length = answer.seconds
        if answer.started is not None and length:
            share = (last - answer.started) / length
            seen = f"the last part came after {share:.0%} of {length:.1f} s"
            findings.found("retelling_paced", share >= 0.5, seen)
        else:
            paced = last - first >= 0.5
            findings.found("retelling_paced", paced, f"all parts came within {last - first:.1f} s")

    async def _in_parts(self) -> None:
        room, findings = self._room, self._findings
        asked = room.asked(IN_PARTS)
        rest = await room.send_in_parts(asked)
        early = await room.wait_begun(asked, _BETWEEN_PARTS)
        await room.send_packets(rest)
        answer = await room.wait_answer(asked, most=8.0)
        if early or not answer.silent:
            findings.found("speaks_before_fin", early)
        else:
            findings.missed("speaks_before_fin", "there was no sign of speech at all")

    async def _two_texts(self) -> None:
        room, findings = self._room, self._findings
        length = None if self._retold is None else self._retold.seconds
        if not length:
            findings.missed("second_chat", "it isn't reported when the avatar speaks")
            return
        first = await room.send(LONG_TEXT)
        await room.until(lambda: bool(room.since(first.place, "audio_start")), 6.0)
        await asyncio.sleep(min(1.0, length * 0.2))
        second = await room.send(SECOND_TEXT)

        def starts() -> list[Seen]:
            return room.since(first.place, "audio_start")

        await room.until(lambda: len(starts()) > 1, length + 4.0)
        if len(starts()) < 2:
            findings.missed("second_chat", "the second text was never spoken")
            return
        gap = starts()[1].at - starts()[0].at
        await room.wait_answer(second, most=4.0)
        seen = f"it began {gap:.1f} s after the first one, which takes {length:.1f} s"
        findings.found("second_chat", "queue" if gap >= 0.7 * length else "interrupt", seen)

    async def _action(self) -> None:
        answer = await self._command(SetAction(new_mid(), action="nod"))
        self._findings.seen["action"] = (
            "no answer" if answer is None else f"answered with code {answer.code}"
        )

    async def _silence(self) -> None:
        place = len(self._room.log)
        await self._room.until(lambda: bool(self._unasked(place)), _SILENCE)
        unasked = len(self._unasked(place))
        self._findings.seen["silence"] = f"{unasked} texts and starts of speech came unasked"

    async def _rejoined(self) -> None:
        room, findings = self._room, self._findings
        default = findings.switches.get("default_mode")
        if default is None:
            findings.missed("resets_parameters", "the mode of a session without one isn't known")
            return
        mode: Literal[1, 2] = 2 if default == 1 else 1
        await self._set(mode=mode)
        place = len(room.log)
        await room.transport.reconnect(timeout=_REJOIN)
        await room.until(lambda: room.changed(ConnectionState.RECONNECTED, place), _REJOIN)
        if room.transport.avatar_publishing is not None:
            await room.until(lambda: bool(room.transport.avatar_publishing), _PUBLISHED)
        await room.quiet(1.0, most=5.0)  # it may greet again
        answer = await room.wait_answer(await room.send(AFTER_REJOIN), most=8.0)
        self._replies.append(answer)
        shown = findings.switches.get("retelling_text")
        found = mode_of(answer, retelling_shown=shown)
        if found is None:
            findings.missed("resets_parameters", "there was no answer afterwards")
            return
        findings.found("resets_parameters", found != mode, f"mode {mode} became mode {found}")

    # Recognised speech.

    async def _speech(self) -> None:
        room, findings = self._room, self._findings
        place = len(room.log)
        heard = await self._heard(1)
        if not heard:
            for row in SPEECH_ROWS:
                findings.missed(row, "nothing was recognised")
            return
        findings.found("splits_utterances", len(heard) > 1, f"{len(heard)} final texts")
        echoes = [part for part in room.since(place, "bot") if _within(part, heard)]
        spoken = bool(room.since(place, "audio_start"))
        shown = findings.switches.get("retelling_text")
        if echoes:
            later = (echoes[0].at - heard[0].at) * 1000
            findings.found("echoes_user_speech", True, f"{later:.0f} ms after the text")
            mids = {seen.mid for seen in heard}
            same = all(part.mid in mids for part in echoes)
            findings.seen["echo_mid"] = "the same mid" if same else "another mid"
        elif shown or any(seen.kind == "audio_start" for seen in room.log):
            findings.found("echoes_user_speech", spoken and not shown)
        else:
            findings.missed("echoes_user_speech", "neither speech nor its text is reported")
        await self._be_silent()

        await self._set(mode=1, vparams=VoiceParams(stt_type="openai_realtime"))
        place = len(room.log)
        heard = await self._heard(2)
        if heard:
            texts = [part for part in room.since(place, "bot") if part.text.split()]
            own = [part for part in texts if not _within(part, heard)]
            findings.found("speaks_by_itself", bool(own))
            await self._be_silent()

    async def _heard(self, time: int) -> list[Seen]:
        """Has the avatar hear something; the texts that were recognised."""
        room = self._room
        assert self._speak is not None
        place = len(room.log)
        await self._speak(room, time)
        await room.until(lambda: bool(room.since(place, "user")), _UNDERSTOOD)
        await room.quiet(_SPLIT, most=5.0)
        return room.since(place, "user")


def _within(part: Seen, heard: list[Seen]) -> bool:
    """Whether a part of the avatar's text repeats what was recognised."""
    words = " ".join(seen.text for seen in heard).casefold().split()
    return bool(part.text.split()) and all(word in words for word in part.text.casefold().split())
