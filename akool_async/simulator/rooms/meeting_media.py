"""The meeting's avatar with a face: it speaks by its mouth, and by what others say to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.ear import RATE
from akool_async.simulator.media.mouth import Mouth
from akool_async.simulator.meeting.output import SpeechOutput
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.meeting.track import TrackSpeech

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MouthOutput", "speak_microphones"]

#: Seconds of audio that the mouth is given before it has played what it has.
_QUEUE: Final = 0.1


class MouthOutput(SpeechOutput):
    """Plays by the mouth of a face, which moves with it."""

    def __init__(self, mouth: Mouth) -> None:
        self._mouth = mouth
        self._form = (RATE, 1)

    async def begin(self, sample_rate: int, channels: int) -> None:
        """See `SpeechOutput`."""
        self._form = (sample_rate, channels)

    async def write(self, pcm: bytes) -> None:
        """See `SpeechOutput`."""
        self._mouth.add(AudioFrame(pcm, *self._form))
        await self._mouth.wait_played(left=_QUEUE)

    @property
    def queued(self) -> float:
        """See `SpeechOutput`."""
        return self._mouth.queued

    def clear(self) -> None:
        """See `SpeechOutput`."""
        self._mouth.clear()

    async def drain(self) -> None:
        """See `SpeechOutput`."""
        await self._mouth.wait_played()


def speak_microphones(media: AvatarMedia, player: MeetingPlayer) -> None:
    """Has the player speak what is said in microphones, in place of making texts of it."""
    speakers: dict[str, TrackSpeech] = {}

    def heard(identity: str, samples: NDArray[Any]) -> None:
        if identity not in speakers:
            speakers[identity] = TrackSpeech(player, identity)
        speakers[identity].feed(samples.tobytes())

    media.hearing.diverted = heard
