"""One switch for every question that the documents leave open (docs/protocol.md §2 "Still open").

The defaults are what the documents' own examples show. A program that gets along with every one
of `ServiceBehavior.all_alternatives()` doesn't depend on what nobody knows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["ServiceBehavior"]


@dataclass(frozen=True, slots=True)
class ServiceBehavior:
    """How a simulated avatar behaves where the documents are silent.

    Attributes:
        reply_mid: a reply carries its question's `mid`, or another one of its own.
        echo: a typed question comes back as `from: user`: not at all, under its own `mid`, or
            under another.
        fin: a reply's parts carry `fin` false and the last one true ("every"); only the last
            one carries it ("only_last"); none does ("missing").
        fin_place: `fin` stands beside `pld` ("top") or inside it ("pld").
        audio_events: `audio_start` and `audio_end` are sent.
        retelling_text: in retelling mode the text being said is sent as `from: bot`, too.
        speaks_before_fin: in retelling mode speaking begins with a message's first part.
        second_chat: a chat that comes while the avatar speaks waits its turn ("queue") or ends
            what is being said ("interrupt").
        command_type: the `type` of a command's answer.
        answer_mid: a command's answer carries the command's `mid`; `False`: none at all.
        interrupted_fin: a reply that was interrupted is ended by an empty part with `fin`.
        halves_surrogates: a character outside the BMP is cut in two, one half in each part.
        payload_base64: (v3) the payload of an answer is base64.
        room_end: what happens when the duration is up: the avatar leaves, the room closes, or
            nobody says anything any more.
    """

    reply_mid: Literal["same", "other"] = "same"
    echo: Literal["off", "same_mid", "other_mid"] = "off"
    fin: Literal["every", "only_last", "missing"] = "every"
    fin_place: Literal["top", "pld"] = "top"
    audio_events: bool = True
    retelling_text: bool = True
    speaks_before_fin: bool = False
    second_chat: Literal["queue", "interrupt"] = "queue"
    command_type: Literal["command", "cmd"] = "command"
    answer_mid: bool = True
    interrupted_fin: bool = False
    halves_surrogates: bool = False
    payload_base64: bool = False
    room_end: Literal["room_closes", "avatar_leaves", "silence"] = "room_closes"

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known or isinstance(value, bool) != isinstance(known[0], bool):
                raise ValueError(f"{name}: {value!r} is not one of {known}")

    def but(self, **changes: Any) -> ServiceBehavior:
        """The same behavior with some switches turned."""
        return dataclasses.replace(self, **changes)

    @staticmethod
    def all_alternatives() -> dict[str, ServiceBehavior]:
        """By name: one for each switch and each of its other positions, and the worst mix.

        The default isn't among them.
        """
        found = {
            f"{name}={value}": ServiceBehavior(**{name: value})
            for name, values in _CHOICES.items()
            for value in values[1:]
        }
        found["worst_mix"] = ServiceBehavior.worst_mix()
        return found

    @staticmethod
    def worst_mix() -> ServiceBehavior:
        """Everything that makes a reply hard to recognise, at once."""
        return ServiceBehavior(
            reply_mid="other",
            echo="other_mid",
            fin="missing",
            audio_events=False,
            retelling_text=False,
            speaks_before_fin=True,
            second_chat="interrupt",
            command_type="cmd",
            answer_mid=False,
            halves_surrogates=True,
            payload_base64=True,
            room_end="silence",
        )


#: Switch -> its positions, the default first.
_CHOICES: Final[dict[str, tuple[Any, ...]]] = {
    "reply_mid": ("same", "other"),
    "echo": ("off", "same_mid", "other_mid"),
    "fin": ("every", "only_last", "missing"),
    "fin_place": ("top", "pld"),
    "audio_events": (True, False),
    "retelling_text": (True, False),
    "speaks_before_fin": (False, True),
    "second_chat": ("queue", "interrupt"),
    "command_type": ("command", "cmd"),
    "answer_mid": (True, False),
    "interrupted_fin": (False, True),
    "halves_surrogates": (False, True),
    "payload_base64": (False, True),
    "room_end": ("room_closes", "avatar_leaves", "silence"),
}
