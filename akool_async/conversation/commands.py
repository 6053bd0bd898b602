"""Commands: asked, answered by mid, sent again with the same mid, timed out (docs/protocol.md §2).

A command without an answer in time has failed for its caller; sending it again under its `mid` is
harmless, which is why only commands, and never a chat, are sent again (docs/protocol.md §4, 4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from akool_async.conversation.driver import Driver
from akool_async.conversation.meter import Meter, name_of_end
from akool_async.conversation.options import ConversationOptions, ConversationStats
from akool_async.conversation.turns import Turns
from akool_async.errors import CommandRejectedError, CommandTimeoutError
from akool_async.stream.messages import Command, CommandAnswer, Interrupt, SetAction, SetParams

__all__ = ["Commands"]

_NAMES: Final = {SetParams: "set-params", Interrupt: "interrupt", SetAction: "set-action"}


@dataclass(slots=True, eq=False)
class _Pending:
    cmd: str
    mid: str
    packets: list[bytes]
    asked: float
    timeout: float
    again_at: float | None
    on_success: Callable[[], None] | None
    future: asyncio.Future[CommandAnswer]

    @property
    def expires(self) -> float:
        return self.asked + self.timeout


class Commands:
    """The commands that wait for an answer. Synchronous but for the waiting itself."""

    def __init__(
        self,
        driver: Driver,
        options: ConversationOptions,
        *,
        turns: Turns,
        stats: ConversationStats,
        meter: Meter,
    ) -> None:
        self._driver = driver
        self._meter = meter
        self._resend = options.command_resend
        self._turns = turns
        self._stats = stats
        #: How many commands were answered: each proves both directions.
        self.answers = 0
        self._pending: dict[str, _Pending] = {}
        self._closed: Callable[[], BaseException] | None = None

    def send(
        self,
        command: Command,
        *,
        timeout: float,
        on_success: Callable[[], None] | None = None,
    ) -> Coroutine[Any, Any, CommandAnswer]:
        """Hands a command to the outbox at once; what it returns waits for the answer.

        `on_success` is called when the avatar says that it did it, before anything that comes
        behind the answer is looked at. With it, the command goes on when whoever waits is
        cancelled; without, it is forgotten.

        Raises (the coroutine):
            CommandRejectedError: answered with a code other than 1000.
            CommandTimeoutError: not answered within `timeout` seconds.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        if self._closed is not None:
            raise self._closed()
        packets = self._driver.codec.encode(command)
        now = self._driver.now()
        pending = _Pending(
            _NAMES[type(command)],
            command.mid,
            packets,
            asked=now,
            timeout=timeout,
            again_at=now + self._resend,
            on_success=on_success,
            future=asyncio.get_running_loop().create_future(),
        )
        self._turns.remember(command.mid, "command")
        self._pending[command.mid] = pending
        pending.future.add_done_callback(partial(self._ended, pending))
        self._stats.commands += 1
        self._driver.outbox.push(pending.mid, packets, urgent=True)
        self._driver.schedule()
        return self._wait(pending)

    async def _wait(self, pending: _Pending) -> CommandAnswer:
        if pending.on_success is not None:
            await asyncio.wait([pending.future])
        answer = await pending.future
        if not answer.ok:
            raise CommandRejectedError(pending.cmd, answer.code, answer.msg)
        return answer

    @property
    def waiting_since(self) -> float | None:
        """Since when a command has had no answer; `None`: none waits."""
        return min((p.asked for p in self._pending.values()), default=None)

    @property
    def interrupting(self) -> bool:
        """Whether an interrupt has no answer yet."""
        return any(p.cmd == "interrupt" for p in self._pending.values())

    def name_of(self, mid: str) -> str | None:
        """The name of a command that has no answer yet."""
        pending = self._pending.get(mid)
        return None if pending is None else pending.cmd

    def answered(self, answer: CommandAnswer) -> None:
        """Takes an answer. Without a mid it belongs to the oldest command of its name."""
        pending = self._pending.get(answer.mid)
        if pending is None and not answer.mid:
            pending = next((p for p in self._pending.values() if p.cmd == answer.cmd), None)
        if pending is None or pending.future.done():
            self._stats.stray_answers += 1
            return
        self.answers += 1
        self._forget(pending.mid)
        pending.future.set_result(answer)
        if answer.ok and pending.on_success is not None:
            pending.on_success()

    def chat_follows(self) -> None:
        """A chat is sent: an interrupt from before must not be sent again, or it would cut it."""
        for pending in self._pending.values():
            if pending.cmd == "interrupt":
                pending.again_at = None

    def resend_all(self, now: float) -> None:
        """Packets may have been lost: what has no answer goes out again at once."""
        for pending in self._pending.values():
            if pending.again_at is not None:
                pending.again_at = now

    def fail_all(self, make: Callable[[], BaseException]) -> None:
        """The conversation is over: whatever waits, or is sent later, gets an error of its own."""
        self._closed = make
        for pending in list(self._pending.values()):
            _fail(pending, make())

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""
        times = [
            p.expires if p.again_at is None else min(p.expires, p.again_at)
            for p in self._pending.values()
            if not p.future.done()
        ]
        return min(times, default=None)

    def expire(self, now: float) -> None:
        """Sends again, or gives up, what is due by `now`."""
        for pending in list(self._pending.values()):
            if pending.future.done():
                continue
            if pending.expires <= now:
                text = f"{pending.cmd} had no answer within {pending.timeout:g} s"
                _fail(pending, CommandTimeoutError(text))
            elif pending.again_at is not None and pending.again_at <= now:
                pending.again_at = now + self._resend
                if not self._driver.outbox.waiting(pending.mid):
                    self._stats.commands_resent += 1
                    self._driver.outbox.push(pending.mid, pending.packets, urgent=True)

    def _ended(self, pending: _Pending, future: asyncio.Future[CommandAnswer]) -> None:
        self._forget(pending.mid)
        took = self._driver.now() - pending.asked
        error = name_of_end(future)
        if not error and not future.result().ok:
            error = CommandRejectedError.__name__
        self._meter.span("command", took, error, **{"akool.command": pending.cmd})

    def _forget(self, mid: str) -> None:
        """No one waits for its answer any more; it isn't sent again."""
        self._pending.pop(mid, None)
        self._driver.outbox.cancel(mid)


def _fail(pending: _Pending, error: BaseException) -> None:
    if not pending.future.done():
        pending.future.set_exception(error)
        # Whoever waited may have gone; that isn't worth a warning.
        pending.future.exception()
