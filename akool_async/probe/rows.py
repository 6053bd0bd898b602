"""The table of a probe: each question of docs/protocol.md §2, what was seen, and our default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from akool_async.probe.findings import Findings
from akool_async.simulator.behavior import ServiceBehavior

__all__ = ["ROWS", "Row", "RowSource", "table"]


class RowSource(NamedTuple):
    """A row of the table.

    Attributes:
        document: how the row of docs/protocol.md begins, or "" for what it says elsewhere.
        question: what is asked.
        key: a switch of `ServiceBehavior`, or the name of a note.
        expected: for a note, what we rely on.
    """

    document: str
    question: str
    key: str
    expected: str = ""


_REPLY: Final = "A reply carries its question's `mid`"

ROWS: Final = (
    RowSource(
        "**Retelling mode echoes the user.**",
        "Does retelling mode say again what people say?",
        "echoes_user_speech",
    ),
    RowSource(
        "Packets sent while the avatar isn't in the room are lost",
        "Are packets lost before the avatar publishes?",
        "drops_before_video",
    ),
    RowSource("Without `mode_type`", "Which mode has a session without one?", "default_mode"),
    RowSource(
        "Parameters may be reset",
        "Are parameters reset after joining again?",
        "resets_parameters",
    ),
    RowSource(
        "create's answer may lack `stream_type`",
        "Does create's answer lack `stream_type`?",
        "no_stream_type",
    ),
    RowSource("", "Does it have the credential fields of other rooms?", "all_credentials"),
    RowSource("", "Are sessions answered with their `avatar_id`?", "answers_avatar_id"),
    RowSource("Code **1237**", "One session per avatar?", "one_session_per_avatar"),
    RowSource(_REPLY, "Does a reply carry its question's `mid`?", "reply_mid"),
    RowSource(_REPLY, "Where is `fin`?", "fin_place"),
    RowSource(_REPLY, "Is the last part empty?", "empty_last_part"),
    RowSource(_REPLY, "Of which type is a command's answer?", "command_type"),
    RowSource(_REPLY, "Does a command's answer carry its `mid`?", "answer_mid"),
    RowSource(_REPLY, "How are commands answered?", "commands", "code 1000"),
    RowSource(
        "In retelling mode the avatar's text comes back",
        "Is the text sent in retelling mode?",
        "retelling_text",
    ),
    RowSource(
        "In retelling mode the avatar's text comes back",
        "Does it come as it is spoken?",
        "retelling_paced",
    ),
    RowSource(
        "Some handlers in the wild meet `bot` messages", "Texts without `from`?", "anonymous"
    ),
    RowSource("Typed text isn't echoed", "Is typed text echoed as a person's?", "echo"),
    RowSource("At the end of `duration`", "How does a session's room end?", "room_end"),
    RowSource(
        "The service's turn detection can split",
        "Is one utterance split into two texts?",
        "splits_utterances",
    ),
    RowSource(
        "`stt_type: openai_realtime`",
        "Does openai_realtime answer by itself?",
        "speaks_by_itself",
    ),
    RowSource("`stt_type: openai_realtime`", "Does the avatar greet?", "greets"),
    RowSource("", "What comes unasked in a pause?", "silence", "nothing"),
    RowSource("Some avatars have a `voice_id`", "Has this avatar a voice of its own?", "voice"),
    RowSource("Sent by users, documented nowhere", "Which other fields are taken?", "extra"),
    RowSource("A second chat while the avatar speaks", "A second text meanwhile?", "second_chat"),
    RowSource(
        "Do LiveKit rooms echo",
        "Does what answers speech carry its `mid`?",
        "echo_mid",
        "another mid",
    ),
    RowSource("Does a reply always carry", "Do all replies carry the `mid`?", "reply_mid"),
    RowSource("Is `fin` false on every part", "Which parts have `fin`?", "fin"),
    RowSource(
        "Does the avatar start speaking before `fin`",
        "Does speaking begin before `fin`?",
        "speaks_before_fin",
    ),
    RowSource("Are `audio_start`", "Are `audio_start` and `audio_end` sent?", "audio_events"),
    RowSource("An older vendor client", "Are answers of type `cmd`?", "command_type"),
    RowSource(
        "Are unused credits", "Do unused credits come back?", "refund", "what isn't used comes back"
    ),
    RowSource("", "Is an interrupted reply ended by `fin`?", "interrupted_fin"),
    RowSource("", "Are surrogate pairs cut in two?", "halves_surrogates"),
    RowSource("", "(v3) Is the payload base64?", "payload_base64"),
    RowSource("", "How is a gesture answered?", "action", "code 1000"),
    RowSource("", "Packets that weren't understood?", "others", "none"),
)

#: Rows that no script can fill.
_NEVER: Final = {"extra": "undocumented fields aren't tried"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Attributes:
        question: what is asked.
        seen: what was seen, or "not seen" and why.
        default: what the simulator does by default, or what the library relies on.
        agrees: whether that is what was seen; `None`: not seen, or for a person to judge.
    """

    question: str
    seen: str
    default: str
    agrees: bool | None


def table(findings: Findings) -> tuple[Row, ...]:
    """The rows, each question once for each row of docs/protocol.md."""
    default = ServiceBehavior().to_dict()
    return tuple(_row(source, findings, default) for source in ROWS)


def _row(source: RowSource, findings: Findings, default: dict[str, Any]) -> Row:
    key = source.key
    usual = default.get(key)
    expected = _said(key, usual, findings.stream_type) if key in default else source.expected
    note = findings.seen.get(key, "")
    if key in findings.switches:
        value = findings.switches[key]
        said = _said(key, value, findings.stream_type)
        return Row(source.question, f"{said} ({note})" if note else said, expected, value == usual)
    if note:
        return Row(source.question, note, expected, None)
    why = _NEVER.get(key) or findings.unseen.get(key, "this script doesn't show it")
    return Row(source.question, f"not seen: {why}", expected, None)


def _said(key: str, value: Any, stream_type: str) -> str:
    if key == "drops_before_video" and value is None:
        value = stream_type == "agora"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "default_mode":
        return "1 (retelling)" if value == 1 else "2 (dialogue)"
    return str(value)
