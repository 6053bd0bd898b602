"""How the simulated service behaves where it was observed, or where documents leave it open.

Sources: docs/protocol.md §2 "Observed on the live service" and "Still open".
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from akool_async.errors import InvalidParameterError

__all__ = ["ServiceBehavior"]


@dataclass(frozen=True, slots=True)
class ServiceBehavior:
    """One switch per question. The defaults are what was observed on the live service.

    A program that works under every one of `all_alternatives()`, and under a few
    `random(seed)`, doesn't depend on what is not known.

    Attributes:
        echoes_user_speech: in retelling mode what people say is spoken back: its text comes as
            `from: user`, and 10 ms later as `from: bot`.
        splits_utterances: what people say is reported in two final texts, 0.3 s apart.
        speaks_by_itself: with `stt_type: openai_realtime` people are answered in retelling mode,
            too.
        greets: the avatar says a greeting when the first participant is in the room, in both
            modes.
        default_mode: the mode of a session for which none was set: 1 retelling, 2 dialogue.
        drops_before_video: packets are lost until the avatar publishes its track, a moment after
            the first participant joins. `None`: in Agora rooms only.
        resets_parameters: what set-params and create set is forgotten when the avatar returns or
            a participant comes back.
        no_stream_type: create's answer has no `stream_type`.
        all_credentials: create's answer has the credential fields of every kind of room, those of
            the other kinds empty.
        answers_avatar_id: sessions are answered with their `avatar_id`, which no document shows.
        one_session_per_avatar: a second session with an avatar is refused with 1237.
        reply_mid: a reply carries its question's `mid`, or another one of its own.
        echo: a typed question comes back as `from: user`: not at all, under its own `mid`, or
            under another.
        fin: a reply's parts carry `fin` false and the last one true ("every"); only the last
            one carries it ("only_last"); none does ("missing").
        fin_place: `fin` is beside `pld` ("top") or inside it ("pld").
        empty_last_part: a reply is ended by a part without text.
        audio_events: `audio_start` and `audio_end` are sent.
        retelling_text: in retelling mode the text being said is sent as `from: bot`, too.
        retelling_paced: that text comes as it is spoken; `False`: all of it at once.
        speaks_before_fin: in retelling mode speaking begins with a message's first part.
        second_chat: a chat that comes while the avatar speaks waits its turn ("queue") or ends
            what is being said ("interrupt").
        command_type: the `type` of a command's answer.
        answer_mid: a command's answer carries the command's `mid`; `False`: none at all.
        interrupted_fin: a reply that was interrupted is ended by an empty part with `fin`.
        halves_surrogates: a character outside the BMP is cut in two, one half in each part.
        payload_base64: (v3) the payload of an answer is base64.
        room_end: when the duration is up, the avatar unpublishes and leaves, the room closes, or
            nothing is sent any more.

    Raises:
        InvalidParameterError: a switch has a value that it doesn't know.
    """

    echoes_user_speech: bool = True
    splits_utterances: bool = False
    speaks_by_itself: bool = True
    greets: bool = False
    default_mode: Literal[1, 2] = 2
    drops_before_video: bool | None = None
    resets_parameters: bool = False
    no_stream_type: bool = False
    answers_avatar_id: bool = False
    all_credentials: bool = False
    one_session_per_avatar: bool = False
    reply_mid: Literal["same", "other"] = "same"
    echo: Literal["off", "same_mid", "other_mid"] = "off"
    fin: Literal["every", "only_last", "missing"] = "every"
    fin_place: Literal["top", "pld"] = "top"
    empty_last_part: bool = False
    audio_events: bool = True
    retelling_text: bool = True
    retelling_paced: bool = False
    speaks_before_fin: bool = False
    second_chat: Literal["queue", "interrupt"] = "queue"
    command_type: Literal["command", "cmd"] = "command"
    answer_mid: bool = True
    interrupted_fin: bool = False
    halves_surrogates: bool = False
    payload_base64: bool = False
    room_end: Literal["avatar_leaves", "room_closes", "silence"] = "avatar_leaves"

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if not any(type(value) is type(one) and value == one for one in known):
                allowed = ", ".join(map(repr, known))
                raise InvalidParameterError(name, f"{value!r} isn't one of {allowed}")

    def but(self, **changes: Any) -> ServiceBehavior:
        """The same behaviour with some switches turned."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Every switch, as JSON has it."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(switches: Mapping[str, Any]) -> ServiceBehavior:
        """The default with these switches turned.

        Raises:
            InvalidParameterError: an unknown switch, or a value that it doesn't know.
        """
        for name in switches:
            if name not in _CHOICES:
                raise InvalidParameterError(name, "is no switch of ServiceBehavior")
        return ServiceBehavior(**switches)

    @staticmethod
    def load(source: ServiceBehavior | str | os.PathLike[str]) -> ServiceBehavior:
        """A behaviour by name, or from a file of JSON: an object of switches.

        Args:
            source: a file that ends in `.json`; otherwise names joined by "+", each a preset
                ("observed", "documented", "worst_mix"), "random=SEED", "switch=value", or a
                switch to turn on.

        Raises:
            InvalidParameterError: no such file or name, or the file doesn't hold switches.
        """
        if isinstance(source, ServiceBehavior):
            return source
        text = os.fspath(source)
        return _from_file(Path(text)) if text.endswith(".json") else _from_names(text)

    @staticmethod
    def random(seed: int) -> ServiceBehavior:
        """Every switch at random; the same seed gives the same behaviour."""
        rng = random.Random(seed)
        return ServiceBehavior(**{name: rng.choice(known) for name, known in _CHOICES.items()})

    @staticmethod
    def presets() -> dict[str, ServiceBehavior]:
        """By name: "observed" (the default), "documented" and "worst_mix"."""
        return {
            "observed": ServiceBehavior(),
            # What the documents' own examples show.
            "documented": ServiceBehavior(
                echoes_user_speech=False,
                speaks_by_itself=False,
                drops_before_video=False,
                empty_last_part=True,
                retelling_paced=True,
                room_end="room_closes",
            ),
            "worst_mix": ServiceBehavior.worst_mix(),
        }

    @staticmethod
    def all_alternatives() -> dict[str, ServiceBehavior]:
        """By name: one for each switch and each of its other positions, and the worst mix.

        The default isn't among them.
        """
        default = ServiceBehavior()
        found = {
            f"{name}={value}": ServiceBehavior(**{name: value})
            for name, values in _CHOICES.items()
            for value in values
            if value != getattr(default, name) or type(value) is not type(getattr(default, name))
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


def _positions(hint: Any) -> tuple[Any, ...]:
    """The values that a switch of that type can have."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return (True, False) if hint is bool else (None, True, False)


#: Switch -> its positions.
_CHOICES: Final = {name: _positions(hint) for name, hint in get_type_hints(ServiceBehavior).items()}


def _from_file(path: Path) -> ServiceBehavior:
    try:
        switches = json.loads(path.read_bytes())
    except OSError as error:
        raise InvalidParameterError("behavior", f"{path} can't be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidParameterError("behavior", f"{path} isn't JSON: {error}") from error
    if not isinstance(switches, dict):
        raise InvalidParameterError("behavior", f"{path} must hold a JSON object of switches")
    return ServiceBehavior.from_dict(switches)


def _from_names(text: str) -> ServiceBehavior:
    presets = ServiceBehavior.presets()
    found = ServiceBehavior()
    for name in text.split("+"):
        switch, _, value = name.strip().partition("=")
        if switch in presets and not value:
            # A preset turns what differs from the default, so that presets can be joined.
            changed = presets[switch].to_dict().items() - ServiceBehavior().to_dict().items()
            found = found.but(**dict(changed))
        elif switch == "random" and value.removeprefix("-").isdecimal():
            found = ServiceBehavior.random(int(value))
        elif switch in _CHOICES:
            known = {str(one).lower(): one for one in _CHOICES[switch]}
            if (value.lower() or "true") not in known:
                raise InvalidParameterError(switch, f"{value!r} isn't one of {', '.join(known)}")
            found = found.but(**{switch: known[value.lower() or "true"]})
        else:
            names = ", ".join([*presets, "random=SEED", *_CHOICES])
            raise InvalidParameterError("behavior", f"{name!r} isn't known; there are {names}")
    return found
