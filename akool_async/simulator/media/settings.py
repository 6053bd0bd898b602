"""How a simulated avatar looks, sounds and listens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from akool_async import validation
from akool_async.errors import InvalidParameterError
from akool_async.media import packages
from akool_async.media.frames import AudioFrame

__all__ = ["ListenFunction", "Media", "VoiceFunction"]

#: A text's sound, at any rate; a plain function runs in a thread.
VoiceFunction: TypeAlias = Callable[[str], AudioFrame | Awaitable[AudioFrame]]
#: The text of what was said in one turn; `None`: it wasn't understood. As `VoiceFunction`.
ListenFunction: TypeAlias = Callable[[AudioFrame], str | Awaitable[str | None] | None]

_Voice = Literal["syllables", "robot"]
_Ear = Literal["robot"]
#: What brings the packages that it needs.
_EXTRA: Final = "simulator"


@dataclass(frozen=True, slots=True)
class Media:
    """How the avatars of a `Simulator(media=)` look, sound and listen.

    Attributes:
        width, height: of the picture in pixels, both even.
        fps: pictures a second.
        voice: "syllables": tones in the text's rhythm; "robot": a sound that carries its text
            (`robot_text` reads it); or a function of a text that gives an `AudioFrame`, for
            example of a speech synthesis.
        listen: what becomes of a turn of speech in a participant's microphone. "robot": texts
            that a robot said (`robot_speech`) are understood; a function of an `AudioFrame`
            (48 kHz, mono) that gives a text or `None`, for example a speech recognition; `None`:
            the avatar doesn't listen, and no microphone is asked for. In a meeting it speaks what
            comes in microphones, whatever this is.
        end_of_turn: seconds of quiet that end a turn.

    Raises:
        InvalidParameterError: a value out of its range.
        MissingDependencyError: numpy or PyAV isn't installed.
    """

    width: int = 640
    height: int = 360
    fps: int = 15
    voice: _Voice | VoiceFunction = "syllables"
    listen: _Ear | ListenFunction | None = "robot"
    end_of_turn: float = 0.6

    def __post_init__(self) -> None:
        for name, low, high in (("width", 192, 1920), ("height", 120, 1080)):
            size = validation.whole(name, getattr(self, name), low, high, unit="pixels")
            if size % 2:
                raise InvalidParameterError(name, f"{size} is odd, pictures have even sides")
        validation.whole("fps", self.fps, 1, 60)
        if not callable(self.voice):
            validation.choice("voice", self.voice, get_args(_Voice))
        if self.listen is not None and not callable(self.listen):
            validation.choice("listen", self.listen, get_args(_Ear))
        validation.number("end_of_turn", self.end_of_turn, 0.1, 10.0)
        packages.numpy(_EXTRA)
        packages.av(_EXTRA)
