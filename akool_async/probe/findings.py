"""What was seen, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from akool_async.probe.room import Answer
from akool_async.probe.wire import Seen, halved
from akool_async.simulator.behavior import ServiceBehavior

__all__ = ["Findings"]


@dataclass(slots=True)
class Findings:
    """Switches of `ServiceBehavior` that were found, and what was seen besides.

    Attributes:
        stream_type: of the session's room.
        switches: switch -> its position. What couldn't be seen isn't in it.
        seen: row -> what was seen, for a person; without any text that was said.
        unseen: row -> why it couldn't be seen.
    """

    stream_type: str
    switches: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)

    def found(self, switch: str, value: Any, seen: str = "") -> None:
        """A switch's position is known; `seen` says by what.

        Raises:
            InvalidParameterError: there is no such position.
        """
        ServiceBehavior.from_dict({switch: value})
        self.switches[switch] = value
        if seen:
            self.seen[switch] = seen
        self.unseen.pop(switch, None)

    def missed(self, row: str, why: str) -> None:
        """Something couldn't be seen; the first reason counts."""
        if row not in self.switches and row not in self.seen:
            self.unseen.setdefault(row, why)

    # What replies show.

    def read_replies(self, replies: list[Answer]) -> None:
        """Reads the form of replies that came to their end."""
        shown = [reply for reply in replies if reply.parts]
        if not shown:
            return
        same = [reply.parts[0].mid == reply.asked.mid for reply in shown]
        self.found(
            "reply_mid", "same" if all(same) else "other", f"{sum(same)} of {len(same)} replies"
        )
        self._read_ends([reply for reply in shown if reply.over])
        echoes = [echo.mid == reply.asked.mid for reply in replies for echo in reply.echoes]
        if not echoes:
            self.found("echo", "off")
        else:
            self.found("echo", "same_mid" if all(echoes) else "other_mid")

    def _read_ends(self, replies: list[Answer]) -> None:
        parts = [part for reply in replies for part in reply.parts]
        ends = [part for part in parts if part.fin]
        counted = f"{len(parts)} parts of {len(replies)} replies"
        if any(part.fin is False for part in parts):
            self.found("fin", "every", counted)
        elif ends and any(reply.parts[0].fin is None for reply in replies):
            self.found("fin", "only_last", counted)
        elif parts and not ends:
            self.found("fin", "missing", counted)
        elif ends:
            self.missed("fin", "every reply was in one part")
        for part in parts:
            if part.fin_place is not None:
                self.found("fin_place", part.fin_place)
        if ends:
            self.found("empty_last_part", any(not part.text for part in ends))

    # What the whole log shows.

    def read_log(self, log: list[Seen]) -> None:
        """Reads what any packet shows."""
        bot = [seen for seen in log if seen.kind == "bot"]
        if any(seen.kind in ("audio_start", "audio_end") for seen in log):
            self.found("audio_events", True)
        elif bot:
            self.found("audio_events", False)
        if any(halved(part.text) for part in bot):
            self.found("halves_surrogates", True)
        elif any(character > "\uffff" for part in bot for character in part.text):
            self.found("halves_surrogates", False)
        if bot:
            nameless = sum(part.anonymous for part in bot)
            self.seen["anonymous"] = f"{nameless} of {len(bot)} parts were without `from`"
        others = sum(seen.kind == "other" for seen in log)
        self.seen["others"] = f"{others} of {len(log)} packets weren't understood"

    def read_commands(self, answers: list[Seen | None]) -> None:
        """Reads the form of commands' answers."""
        came = [answer for answer in answers if answer is not None]
        if not came:
            self.missed("command_type", "no command was answered")
            self.missed("answer_mid", "no command was answered")
            return
        self.found("command_type", "cmd" if came[0].form == "cmd" else "command")
        self.found("answer_mid", all(answer.mid for answer in came))
        codes = sorted({str(answer.code) for answer in came})
        self.seen["commands"] = (
            f"{len(came)} of {len(answers)} commands were answered, codes {', '.join(codes)}"
        )
