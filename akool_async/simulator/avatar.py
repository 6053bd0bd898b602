"""The simulated avatar: hears packets, carries out commands, answers aloud.

Two tasks: one hears, in order; the other says one thing after another. What it knows about
packets is in its `Dialect`; what carries them is a `SimRoom`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from akool_async.simulator.clock import Clock
from akool_async.simulator.dialect import (
    Dialect,
    Heard,
    Ignored,
    Order,
    PartOfQuestion,
    Question,
    new_mid,
)
from akool_async.simulator.personality import Personality
from akool_async.simulator.recording import Recording, StreamRecord
from akool_async.simulator.room import SimRoom
from akool_async.simulator.speech import (
    Piece,
    ReplyFunction,
    TextFeed,
    Turn,
    answer_of,
    pieces,
)

__all__ = ["AvatarSettings", "SimulatedAvatar"]

logger = logging.getLogger(__name__)

#: Packets waiting to be heard; more are lost, and counted.
_MOST_WAITING: Final = 50_000


@dataclass(slots=True)
class AvatarSettings:
    """What the avatars of one simulator have in common.

    Attributes:
        clock: the simulator's.
        personality: how it behaves where the documents are silent.
        reply: what it answers in dialogue mode.
        pace: seconds that a word takes to be said; `None`: no time at all.
        piece_words: how many words go into one part of a reply.
        packets: where what it hears and says is recorded.
        errors: what `reply` raised.
    """

    clock: Clock
    personality: Personality
    reply: ReplyFunction
    pace: float | None
    piece_words: int
    packets: Recording[StreamRecord]
    errors: list[Exception] = field(default_factory=list)


class SimulatedAvatar:
    """One session's avatar. It is the room's `RoomEvents`.

    Attributes:
        params: what it was told by session/create and by set-params since, by the names of
            set-params.
        mode: 1 retelling, 2 dialogue.
        present: who else is in the room.
        actions: data of the set-action commands that were carried out.
        ignored: packets it made nothing of, counted by reason.
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
        self.actions: list[dict[str, Any]] = []
        self.ignored: Counter[str] = Counter()
        self._settings = settings
        self._personality = settings.personality
        self._typed_chat = typed_chat
        self._ready = ready
        self._on_chat = on_chat
        self._room: SimRoom | None = None
        self._dialect: Dialect | None = None
        self._inbox: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue(_MOST_WAITING)
        self._arrivals = asyncio.Event()
        self._turns: deque[Turn] = deque()
        self._to_say = asyncio.Event()
        self._speaking: asyncio.Task[None] | None = None
        self._current: Turn | None = None
        self._feeds: dict[str, TextFeed] = {}
        self._sending = asyncio.Lock()
        # Held while it is decided what to say next, so that ends and beginnings don't mix.
        self._deciding = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._idle = asyncio.Event()
        self._idle.set()

    # -- the room's side

    def joined(self, identity: str) -> None:
        """See `RoomEvents`."""
        self.present.add(identity)
        self._arrivals.set()

    def left(self, identity: str) -> None:
        """See `RoomEvents`."""
        self.present.discard(identity)
        if not self.present:
            self._arrivals.clear()

    def packet(self, data: bytes, sender: str) -> None:
        """See `RoomEvents`."""
        try:
            self._inbox.put_nowait((data, sender))
        except asyncio.QueueFull:
            self.ignored["too many at once"] += 1

    # -- the simulator's side

    @property
    def mode(self) -> int:
        """1 retelling, 2 dialogue."""
        return int(self.params.get("mode", 2))

    @property
    def speaking(self) -> bool:
        """Whether it is saying something or about to."""
        return not self._idle.is_set()

    async def wait_for_somebody(self) -> None:
        """Returns once somebody else is in the room."""
        await self._arrivals.wait()

    async def wait_silent(self) -> None:
        """Returns once everything that was to be said has been said."""
        await self._idle.wait()

    def start(self, room: SimRoom, dialect: Dialect) -> None:
        """Takes up its place in a room that is open."""
        self._room = room
        self._dialect = dialect
        for work, name in ((self._hear(), "hears"), (self._speak(), "speaks")):
            task = asyncio.create_task(work, name=f"simulator-avatar-{name}-{self.session_id}")
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """These tasks end by being cancelled; anything else is told."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            logger.error("%s failed", task.get_name(), exc_info=error)
            self._settings.errors.append(error)

    async def stop(self) -> None:
        """Says and hears nothing from now on. The room is its owner's to close."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._turns.clear()
        self._idle.set()

    async def hear(self, text: str) -> None:
        """Somebody in the room said `text`: reports it as recognised, then answers it.

        In retelling mode it is reported and not answered.

        Raises:
            RuntimeError: this version of the messages doesn't report speech, or it has ended.
        """
        dialect = self._dialect
        if dialect is None or not self._tasks:
            raise RuntimeError("the avatar isn't in a room")
        mid = new_mid("asr")
        packet = dialect.heard_user(mid, text)
        if packet is None:
            raise RuntimeError("version 3 of the messages doesn't report recognised speech")
        await self._send(packet)
        if self.mode == 2:
            # In spoken turns the user's and the avatar's texts have different mids (PROTOCOL.md).
            await self._say(Turn(Question("", text), None))

    async def send_raw(self, packet: bytes) -> None:
        """Sends any bytes at all as the avatar."""
        await self._send(packet)

    # -- hearing

    async def _hear(self) -> None:
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
        elif isinstance(heard, Order):
            await self._obey(heard)
        elif not self._typed_chat:
            self.ignored["typed chat in this scene_mode"] += 1
        elif isinstance(heard, PartOfQuestion):
            await self._hear_part(heard)
        else:
            self._on_chat()
            await self._answer(heard)

    async def _obey(self, order: Order) -> None:
        assert self._dialect is not None
        if order.code == 1000:
            if order.cmd == "set-params":
                self._set_params(order.data)
            elif order.cmd == "set-action":
                self.actions.append(order.data)
            else:
                async with self._deciding:
                    await self._interrupt()
        answer = self._dialect.answer(order)
        if answer is not None:
            await self._send(answer)

    def _set_params(self, data: dict[str, Any]) -> None:
        vparams = {**self.params.get("vparams", {}), **data.get("vparams", {})}
        self.params.update(data)
        if vparams:
            self.params["vparams"] = vparams

    async def _hear_part(self, part: PartOfQuestion) -> None:
        """Retelling may begin before the whole message is there."""
        feed = self._feeds.get(part.mid)
        if feed is None:
            if part.last or not self._personality.speaks_before_fin or self.mode != 1:
                return
            feed = self._feeds[part.mid] = TextFeed()
            turn = Turn(Question(part.mid, ""), aiter(feed), shown=self._personality.retelling_text)
            await self._say(turn)
        feed.add(part.text)
        if part.last:
            feed.end()

    async def _answer(self, question: Question) -> None:
        assert self._dialect is not None
        if self._personality.echo != "off":
            mid = question.mid if self._personality.echo == "same_mid" else new_mid()
            echo = self._dialect.heard_user(mid, question.text)
            if echo is not None:
                await self._send(echo)
        if self._feeds.pop(question.mid, None) is not None:
            return
        mode = question.fields.get("mode_type", 1) if question.fields else self.mode
        if mode == 1:
            turn = Turn(question, question.text, shown=self._personality.retelling_text)
        else:
            turn = Turn(question, None)
        await self._say(turn)

    # -- speaking

    async def _say(self, turn: Turn) -> None:
        async with self._deciding:
            if self._personality.second_chat == "interrupt":
                await self._interrupt()
            self._turns.append(turn)
            self._idle.clear()
            self._to_say.set()

    async def _interrupt(self) -> None:
        """Stops what is being said and forgets what was going to be."""
        self._turns.clear()
        turn, task = self._current, self._speaking
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
            if turn is not None and turn.begun:
                await self._finish(turn, interrupted=True)
        if not self._turns:
            self._idle.set()

    async def _speak(self) -> None:
        try:
            while True:
                await self._to_say.wait()
                while self._turns:
                    turn = self._turns.popleft()
                    self._current = turn
                    self._speaking = asyncio.create_task(
                        self._speak_turn(turn), name=f"simulator-turn-{self.session_id}"
                    )
                    await asyncio.wait([self._speaking])
                    self._current = None
                self._to_say.clear()
                self._idle.set()
        finally:
            if self._speaking is not None and not self._speaking.done():
                self._speaking.cancel()
                await asyncio.wait([self._speaking])

    async def _speak_turn(self, turn: Turn) -> None:
        same = self._personality.reply_mid == "same" and turn.question.mid
        turn.mid = turn.question.mid if same else new_mid()
        try:
            if turn.texts is None:
                turn.texts = await answer_of(self._settings.reply, turn.question.text)
            if isinstance(turn.texts, str):
                await self._say_text(turn, turn.texts, whole=True)
            else:
                async for text in turn.texts:
                    await self._say_text(turn, text, whole=False)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.exception("reply= failed in session %s", self.session_id)
            self._settings.errors.append(error)
        finally:
            if isinstance(turn.texts, AsyncGenerator):
                await turn.texts.aclose()
        await self._finish(turn, interrupted=False)

    async def _say_text(self, turn: Turn, text: str, *, whole: bool) -> None:
        for piece in pieces(
            text,
            self._settings.piece_words,
            halves_surrogates=self._personality.halves_surrogates,
        ):
            await self._say_piece(turn, piece, last=whole and piece.last)

    async def _say_piece(self, turn: Turn, piece: Piece, *, last: bool) -> None:
        assert self._dialect is not None
        if not turn.begun:
            turn.begun = True
            await self._send(self._dialect.audio("audio_start", turn.mid))
        if turn.shown:
            idx, turn.idx = turn.idx, turn.idx + 1
            await self._send(
                self._dialect.chat(turn.mid, idx, piece.text, last=last, question=turn.question)
            )
        if self._settings.pace:
            await self._settings.clock.sleep(self._settings.pace * piece.words)

    async def _finish(self, turn: Turn, *, interrupted: bool) -> None:
        """The end of a turn that nobody told yet: the closing part, and `audio_end`."""
        assert self._dialect is not None
        open_end = interrupted or not isinstance(turn.texts, str)
        if (
            open_end
            and turn.shown
            and turn.begun
            and self._dialect.needs_closing_part()
            and (not interrupted or self._personality.interrupted_fin)
        ):
            await self._send(
                self._dialect.chat(turn.mid, turn.idx, "", last=True, question=turn.question)
            )
        if turn.begun:
            await self._send(self._dialect.audio("audio_end", turn.mid))

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
