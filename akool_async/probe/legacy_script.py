"""The fixed script of a legacy session, whose chat room knows neither commands nor events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from akool_async.probe.findings import Findings
from akool_async.probe.room import Answer, ProbeRoom, same_words
from akool_async.probe.script import LONG_TEXT, QUESTION, SECOND_TEXT

__all__ = ["LegacyScript"]

#: Seconds for one answer.
_MOST: Final = 15.0
_COMMANDS: Final = "version 3 has neither commands nor events"
_ROWS_OF_COMMANDS: Final = (
    "command_type", "answer_mid", "commands", "audio_events", "interrupted_fin", "action", "fin",
    "fin_place", "empty_last_part", "speaks_before_fin", "second_chat", "default_mode",
)  # fmt: skip


class LegacyScript:
    """As `Script`; `ends` in seconds of the loop's clock."""

    def __init__(
        self,
        room: ProbeRoom,
        findings: Findings,
        *,
        on_step: Callable[[str], None],
        ends: float,
    ) -> None:
        self._room = room
        self._findings = findings
        self._on_step = on_step
        self._ends = ends

    async def run(self) -> None:
        """Runs it; what is seen is in `findings`."""
        room, findings = self._room, self._findings
        self._on_step("a question")
        question = await room.wait_answer(await room.send(QUESTION, mode=2), most=self._most())
        self._on_step("a long text, retold")
        retold = await room.wait_answer(await room.send(LONG_TEXT, mode=1), most=self._most())
        self._on_step("two texts in a row")
        first = await room.send(QUESTION, mode=2)
        second = await room.send(SECOND_TEXT, mode=1)
        await room.wait_answer(second, most=self._most())
        answered = sum(
            bool([part for part in room.since(asked.place, "bot") if part.mid == asked.mid])
            for asked in (first, second)
        )
        self._read([question, retold])
        findings.seen["second_chat"] = f"{answered} of 2 were answered under their own mid"
        for row in _ROWS_OF_COMMANDS:
            findings.missed(row, _COMMANDS)

    def _most(self) -> float:
        return max(0.0, min(_MOST, self._ends - self._room.now()))

    def _read(self, replies: list[Answer]) -> None:
        room, findings = self._room, self._findings
        question, retold = replies
        shown = [reply for reply in replies if reply.parts]
        if shown:
            same = all(reply.parts[0].mid == reply.asked.mid for reply in shown)
            findings.found("reply_mid", "same" if same else "other")
        if retold.parts:
            findings.found("retelling_text", True)
            if not same_words(retold.text, LONG_TEXT):
                findings.seen["retelling_text"] = "other words"
            within = retold.parts[-1].at - retold.parts[0].at
            findings.found(
                "retelling_paced", within >= 0.5, f"all parts came within {within:.1f} s"
            )
        elif question.parts:
            findings.found("retelling_text", False)
        findings.read_log(room.log)
        findings.switches.pop("audio_events", None)
        if room.since(0, "bot"):
            findings.found("payload_base64", any(seen.encoded for seen in room.log))
