"""`set_params` and the options of `ask`: checked by name before anything is sent.

docs/protocol.md §2 (set-params) and §3 (questions of the chat room).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypedDict

from akool_async import validation
from akool_async.conversation.options import Mode, SessionInfo
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.stream import new_mid
from akool_async.stream.checks import prompt_data
from akool_async.stream.limits import PacketLimits
from akool_async.stream.messages import (
    ACTIONS,
    EXPRESSIONS,
    Prompt,
    QuestionOptions,
    SetParams,
    VoiceParams,
)
from akool_async.stream.wire_v2 import command_packet

__all__ = ["Params", "QuestionFields", "check_action", "question_options"]

_CHECKS: Final[Mapping[str, Callable[[str, object], object]]] = {
    "mode": validation.mode,
    "language": validation.text,
    "voice_id": validation.text,
    "voice_url": validation.url,
    "background_url": validation.url,
    "speed": validation.speed,
    "pron_map": validation.pronunciations,
    "stt_language": validation.text,
    "stt_type": validation.stt_type,
    "turn_detection": validation.turn_detection,
}


@dataclass(frozen=True, slots=True)
class Params:
    """What `set_params` takes; `None` leaves a setting as it is.

    The values are kept as built-in types: a `StrEnum` member as a `str`, for example. An empty
    mapping is the same as `None`.

    Attributes:
        mode: 1 retelling, 2 dialogue.
        language: a code, for example "en".
        voice_id: a voice.
        voice_url: a voice of one's own.
        background_url: image or video behind the avatar.
        speed: of speech, 0.8 to 1.2.
        pron_map: word -> how it sounds.
        stt_language: what speech recognition listens for.
        stt_type: "openai_realtime".
        turn_detection: `type` server_vad | semantic_vad; the rest for server_vad only.

    Raises:
        InvalidParameterError: a wrong value, named.
    """

    mode: Mode | None = None
    language: str | None = None
    voice_id: str | None = None
    voice_url: str | None = field(default=None, repr=False)
    background_url: str | None = field(default=None, repr=False)
    speed: float | None = None
    pron_map: Mapping[str, str] | None = None
    stt_language: str | None = None
    stt_type: str | None = None
    turn_detection: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            value = getattr(self, name)
            if value is not None:
                checked = check(name, value)
                # The class is frozen: this is how a dataclass stores what it made of a value.
                object.__setattr__(self, name, None if checked == {} else checked)

    @classmethod
    def from_info(cls, info: SessionInfo) -> Params:
        """What is known of the session: what it was created with, nothing where it was joined."""
        return cls(
            mode=info.mode,
            language=info.language,
            voice_id=info.voice_id,
            voice_url=info.voice_url,
            background_url=info.background_url,
        )

    def updated(self, newer: Params) -> Params:
        """These settings with newer ones on top."""
        return replace(self, **newer.given())

    def given(self) -> dict[str, Any]:
        """The settings that aren't `None`."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in values if value is not None}

    @property
    def empty(self) -> bool:
        """Whether nothing is set."""
        return not self.given()

    def message(self, mid: str) -> SetParams:
        """The version 2 command."""
        voice = VoiceParams(
            vid=self.voice_id,
            vurl=self.voice_url,
            speed=self.speed,
            stt_language=self.stt_language,
            stt_type=self.stt_type,
            pron_map=self.pron_map,
            turn_detection=self.turn_detection,
        )
        return SetParams(
            mid,
            lang=self.language,
            mode=self.mode,
            bgurl=self.background_url,
            vparams=None if voice == VoiceParams() else voice,
        )

    def fitting(self, limits: PacketLimits) -> tuple[Params, tuple[str, ...]]:
        """What fits one command of a transport, and the names of the settings left out.

        The largest are left out, as few as possible: a command can't be cut into packets.
        """
        given, left_out = self.given(), []
        fitting = self
        while fitting.packet_size() > limits.max_bytes and given:
            largest = max(given, key=lambda name: Params(**{name: given[name]}).packet_size())
            del given[largest]
            left_out.append(largest)
            fitting = Params(**given)
        return fitting, tuple(left_out)

    def split(self, limits: PacketLimits) -> tuple[list[Params], tuple[str, ...]]:
        """These settings as commands that fit a packet each, as few as possible.

        Returns them in the order to be sent, and the names of settings too large for any. Sent one
        after the other they have the effect of one command with all of them.
        """
        commands: list[Params] = []
        rest = self
        too_large: list[str] = []
        while True:
            fitting, left_out = rest.fitting(limits)
            if not fitting.empty:
                commands.append(fitting)
            elif left_out:
                # Alone, the smallest of them doesn't fit either.
                too_large.extend(left_out)
                left_out = ()
            if not left_out:
                return commands, tuple(too_large)
            given = rest.given()
            rest = Params(**{name: given[name] for name in left_out})

    def packet_size(self) -> int:
        """How many bytes the version 2 command takes."""
        return len(command_packet(self.message(new_mid())))

    def check_v3(self) -> None:
        """Refuses what no question of version 3 can carry."""
        for name in self.given():
            if name not in QuestionFields.__annotations__:
                raise NotSupportedError(f"the v3 chat room has no parameter {name!r}")

    def question(self) -> QuestionOptions:
        """What a version 3 question carries: what was given, the mode included."""
        return QuestionOptions(
            voice_id=self.voice_id,
            voice_url=self.voice_url,
            language=self.language,
            mode_type=self.mode,
        )


class QuestionFields(TypedDict, total=False):
    """(v3) What one question may carry; it counts before what `set_params` set.

    voice_id, voice_url: another voice.
    language: a code, "en".
    mode: 1 retelling, 2 dialogue.
    prompt: the role's text, or `Prompt("url", link)`.
    """

    voice_id: str | None
    voice_url: str | None
    language: str | None
    mode: Mode | None
    prompt: Prompt | str | None


def question_options(
    base: QuestionOptions,
    *,
    voice_id: str | None = None,
    voice_url: str | None = None,
    language: str | None = None,
    mode: Mode | None = None,
    prompt: Prompt | str | None = None,
) -> QuestionOptions:
    """(v3) `base` with what one question asks for on top.

    A prompt is the role's text, or `Prompt("url", link)` with the https link of a PDF of at most
    50 MB. The size isn't known here; the service refuses a larger one.

    Raises:
        InvalidParameterError: a wrong value, named.
    """
    given = Params(mode=mode, language=language, voice_id=voice_id, voice_url=voice_url)
    if isinstance(prompt, str):
        prompt = Prompt("text", prompt)
    if prompt is not None:
        data = prompt_data(prompt)
        prompt = Prompt(data["from"], data["content"])
    return QuestionOptions(
        voice_id=given.voice_id or base.voice_id,
        voice_url=given.voice_url or base.voice_url,
        language=given.language or base.language,
        mode_type=given.mode or base.mode_type,
        prompt=prompt or base.prompt,
    )


def check_timeout(timeout: float | None, default: float) -> float:
    """A limit in seconds, above 0."""
    return default if timeout is None else validation.seconds("timeout", timeout)


def check_action(action: str | None, expression: str | None) -> None:
    """A gesture and/or an expression that the avatar knows."""
    if action is None and expression is None:
        raise InvalidParameterError("action", "give an action, an expression or both")
    if action is not None:
        validation.choice("action", action, ACTIONS)
    if expression is not None:
        validation.choice("expression", expression, EXPRESSIONS)
