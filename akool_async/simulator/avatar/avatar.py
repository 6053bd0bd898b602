"""The simulated avatar: receives packets, carries out commands, speaks.

Two tasks: one receives, in order; the other speaks one job after another. What it knows about
packets is in its `Dialect`; what carries them is a `SimRoom`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from akool_async.simulator.avatar.delivery import Aloud, Paced
from akool_async.simulator.avatar.dialect import (
    Command,
    Dialect,
    Heard,
    Ignored,
    PartOfQuestion,
    Question,
    new_mid,
)
from akool_async.simulator.avatar.dialect_v2 import DialectV2
from akool_async.simulator.avatar.settings import AvatarSettings
from akool_async.simulator.avatar.speech import SpeechJob, TextFeed
from akool_async.simulator.avatar.speech_player import SpeechPlayer
from akool_async.simulator.recording import StreamRecord
from akool_async.simulator.rooms.room import SimRoom
from akool_async.simulator.tasks import Tasks

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia

__all__ = ["SimulatedAvatar"]

#: Packets waiting to be read; more are lost, and counted.
_MOST_WAITING: Final = 50_000
#: Seconds, as observed on the live service (docs/protocol.md §2): from recognised speech to its
#: echo in retelling mode; between the two texts of a split utterance; from the first participant
#: to the avatar's video.
ECHO_DELAY: Final = 0.01
SPLIT_PAUSE: Final = 0.3
VIDEO_DELAY: Final = 0.15
GREETING: Final = "Hello and welcome!"


class SimulatedAvatar:
    """One session's avatar. It is the room's `RoomEvents`.

    Attributes:
        params: set by session/create and by set-params since, by the names of
            set-params.
        mode: 1 retelling, 2 dialogue.
        present: who else is in the room.
        actions: data of the set-action commands that were carried out.
        ignored: packets it could not use, counted by reason.
        asked: texts of the chat messages that it received whole.
    """

    def __init__(
        self,
        session_id: str,
        settings: AvatarSettings,
        *,
        params: dict[str, Any],
        typed_chat: bool = True,
        ready: Callable[[], bool] = lambda: True,
        on_chat: Callable[[], None] = lambda: None,
    ) -> None:
        self.session_id = session_id
        self.params = params
        self.present: set[str] = set()
        self._seen: set[str] = set()
        self._video = asyncio.Event()
        self._commanded = asyncio.Event()
        self.actions: list[dict[str, Any]] = []
        self.ignored: Counter[str] = Counter()
        self.asked: list[str] = []
        self._settings = settings
        self._behavior = settings.behavior
        self._typed_chat = typed_chat
        self._ready = ready
        self._on_chat = on_chat
        self._room: SimRoom | None = None
        self._dialect: Dialect | None = None
        self._player: SpeechPlayer | None = None
        self._inbox: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue(_MOST_WAITING)
        self._arrivals = asyncio.Event()
        self._feeds: dict[str, TextFeed] = {}
        self._sending = asyncio.Lock()
        self._tasks = Tasks(settings.errors.append)

    # -- the room's side

    def joined(self, identity: str) -> None:
        """See `RoomEvents`."""
        if identity in self._seen:
            self.renewed()
        self._seen.add(identity)
        self.present.add(identity)
        if not self._arrivals.is_set() and self._room is not None:
            self._arrivals.set()
            self._spawn(self._welcome(), "welcomes")

    def left(self, identity: str) -> None:
        """See `RoomEvents`."""
        self.present.discard(identity)
        if not self.present:
            self._arrivals.clear()

    def packet(self, data: bytes, sender: str) -> None:
        """See `RoomEvents`."""
        if not self._video.is_set():
            self.ignored["before the avatar's video"] += 1
            return
        try:
            self._inbox.put_nowait((data, sender))
        except asyncio.QueueFull:
            self.ignored["too many at once"] += 1

    def renewed(self) -> None:
        """See `RoomEvents`."""
        if self._behavior.resets_parameters:
            self.params.clear()

    # -- the simulator's side

    @property
    def mode(self) -> int:
        """1 retelling, 2 dialogue."""
        return int(self.params.get("mode", self._behavior.default_mode))

    @property
    def speaking(self) -> bool:
        """Whether it is saying something or about to."""
        return self._player is not None and self._player.speaking

    async def wait_for_participant(self) -> None:
        """Returns once a participant is in the room."""
        await self._arrivals.wait()

    @property
    def said(self) -> list[str]:
        """Texts that it has spoken, an interrupted one as far as it came."""
        return [] if self._player is None else self._player.said

    async def wait_ready(self) -> None:
        """Returns once a participant is in the room and reaches the avatar.

        That is: its video is published and, where the room has commands, it carried one out:
        clients set parameters first.
        """
        await self._arrivals.wait()
        await self._video.wait()
        if isinstance(self._dialect, DialectV2):
            await self._commanded.wait()

    async def wait_silent(self) -> None:
        """Returns once everything that was to be said has been said."""
        if self._player is not None:
            await self._player.wait_silent()

    def start(self, room: SimRoom, dialect: Dialect) -> None:
        """Starts in a room that is open."""
        self._room = room
        self._dialect = dialect
        self._player = self._new_player(dialect, room.media)
        for work, name in ((self._receive(), "receives"), (self._player.run(), "speaks")):
            self._spawn(work, name)
        drops = self._behavior.drops_before_video
        if drops is False or (drops is None and room.kind != "agora"):
            self._publish()
        else:
            room.publish(on=False)  # participants learn that it will, and can wait for it
        if self.present:  # in a room of the user's own
            self._arrivals.set()
            self._spawn(self._welcome(), "welcomes")

    def _new_player(self, dialect: Dialect, media: AvatarMedia | None) -> SpeechPlayer:
        clock = self._settings.clock
        if media is None:
            delivery: Paced | Aloud = Paced(clock, self._settings.pace)
        else:
            delivery = Aloud(media, clock, self._voice_id)
            media.hearing.report = self._heard
            self._dress(media)
        return SpeechPlayer(self.session_id, self._settings, dialect, delivery, self._send)

    def _voice_id(self) -> str:
        return str(self.params.get("vparams", {}).get("vid") or self.params.get("vid") or "")

    def _dress(self, media: AvatarMedia) -> None:
        """Shows what the parameters ask for."""
        media.face.background = str(self.params.get("bgurl") or "")

    async def _heard(self, text: str | None) -> None:
        """A participant's microphone: a turn of speech, as it was understood."""
        if text is None:
            self.ignored["speech that wasn't understood"] += 1
        elif text.strip():
            await self.user_says(text)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.spawn(work, f"simulator-avatar-{name}-{self.session_id}")

    def _publish(self) -> None:
        assert self._room is not None
        self._video.set()
        self._room.publish()

    async def _welcome(self) -> None:
        """What happens once the first participant is in the room."""
        if not self._video.is_set():
            await self._settings.clock.sleep(VIDEO_DELAY)
            self._publish()
        if self._behavior.greets:
            await self._speaker.say(SpeechJob(Question("", ""), GREETING))

    async def stop(self) -> None:
        """Ends its tasks. Whoever opened the room closes it."""
        await self._tasks.stop()

    async def user_says(self, text: str) -> None:
        """A visitor in the room said `text`: reports it as recognised, then answers it.

        In retelling mode it is reported and not answered.

        Raises:
            RuntimeError: this version of the messages doesn't report speech, or it has ended.
        """
        dialect = self._dialect
        if dialect is None or not self._tasks:
            raise RuntimeError("the avatar isn't in a room")
        clock = self._settings.clock
        for place, part in enumerate(_utterances(text, split=self._behavior.splits_utterances)):
            if place:
                await clock.sleep(SPLIT_PAUSE)
            packet = dialect.heard_user(new_mid("asr"), part)
            if packet is None:
                raise RuntimeError("version 3 of the messages doesn't report recognised speech")
            await self._send(packet)
            # The user's and the avatar's texts have different mids (docs/protocol.md §2).
            if self.mode == 2 or self._speaks_by_itself:
                await self._speaker.say(SpeechJob(Question("", part), None))
            elif self._behavior.echoes_user_speech:
                self._spawn(self._echo(part), "echoes")

    @property
    def _speaks_by_itself(self) -> bool:
        kind = self.params.get("vparams", {}).get("stt_type")
        return self._behavior.speaks_by_itself and kind == "openai_realtime"

    async def _echo(self, text: str) -> None:
        """Retelling mode speaks what it recognised."""
        await self._settings.clock.sleep(ECHO_DELAY)
        await self._speaker.say(self._retelling(Question("", text), text))

    async def send_raw(self, packet: bytes) -> None:
        """Sends any bytes at all as the avatar."""
        await self._send(packet)

    @property
    def _speaker(self) -> SpeechPlayer:
        assert self._player is not None
        return self._player

    # -- receiving

    async def _receive(self) -> None:
        assert self._dialect is not None
        clock = self._settings.clock
        while True:
            data, sender = await self._inbox.get()
            self._record("in", data, sender)
            if not self._ready():
                self.ignored["not running yet"] += 1
                continue
            for heard in self._dialect.read(data, clock.now()):
                await self._understand(heard)

    async def _understand(self, heard: Heard) -> None:
        if isinstance(heard, Ignored):
            self.ignored[heard.reason] += 1
        elif isinstance(heard, Command):
            await self._obey(heard)
        elif not self._typed_chat:
            self.ignored["typed chat in this scene_mode"] += 1
        elif isinstance(heard, PartOfQuestion):
            await self._question_part(heard)
        else:
            self._on_chat()
            await self._answer(heard)

    async def _obey(self, command: Command) -> None:
        assert self._dialect is not None
        if command.code == 1000:
            if command.cmd == "set-params":
                self._set_params(command.data)
            elif command.cmd == "set-action":
                self._act(command.data)
            else:
                await self._speaker.interrupt()
        answer = self._dialect.answer(command)
        if answer is not None:
            await self._send(answer)
        self._commanded.set()

    def _set_params(self, data: dict[str, Any]) -> None:
        vparams = {**self.params.get("vparams", {}), **data.get("vparams", {})}
        self.params.update(data)
        if vparams:
            self.params["vparams"] = vparams
        if self._media is not None:
            self._dress(self._media)

    @property
    def _media(self) -> AvatarMedia | None:
        return None if self._room is None else self._room.media

    def _act(self, data: dict[str, Any]) -> None:
        self.actions.append(data)
        if self._media is None:
            return
        if "expression" in data:
            self._media.face.expression = str(data["expression"])
        if "action" in data:
            self._media.face.act(str(data["action"]))

    async def _question_part(self, part: PartOfQuestion) -> None:
        """Retelling may begin before the whole message is there."""
        feed = self._feeds.get(part.mid)
        if feed is None:
            if part.last or not self._behavior.speaks_before_fin or self.mode != 1:
                return
            feed = self._feeds[part.mid] = TextFeed()
            job = self._retelling(Question(part.mid, ""), aiter(feed))
            await self._speaker.say(job)
        feed.add(part.text)
        if part.last:
            feed.end()

    async def _answer(self, question: Question) -> None:
        assert self._dialect is not None
        self.asked.append(question.text)
        if self._behavior.echo != "off":
            mid = question.mid if self._behavior.echo == "same_mid" else new_mid()
            echo = self._dialect.heard_user(mid, question.text)
            if echo is not None:
                await self._send(echo)
        if self._feeds.pop(question.mid, None) is not None:
            return
        mode = question.fields.get("mode_type", 1) if question.fields else self.mode
        if mode == 1:
            await self._speaker.say(self._retelling(question, question.text))
        else:
            await self._speaker.say(SpeechJob(question, None))

    def _retelling(self, question: Question, texts: str | AsyncIterator[str]) -> SpeechJob:
        behavior = self._behavior
        return SpeechJob(
            question, texts, shown=behavior.retelling_text, at_once=not behavior.retelling_paced
        )

    # -- sending

    async def _send(self, packet: bytes | None) -> None:
        if packet is None or self._room is None:
            return
        async with self._sending:
            self._record("out", packet, "avatar")
            await self._room.send(packet)

    def _record(self, direction: Any, data: bytes, sender: str) -> None:
        self._settings.packets.append(
            StreamRecord(self.session_id, direction, data, sender, self._settings.clock.now())
        )


def _utterances(text: str, *, split: bool) -> list[str]:
    """The final texts in which an utterance is reported."""
    words = text.split()
    if not split or len(words) < 2:
        return [text]
    half = len(words) // 2
    return [" ".join(words[:half]), " ".join(words[half:])]
