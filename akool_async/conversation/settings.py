"""The avatar's settings: what the caller wants, the mode the avatar is in, and how both change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from akool_async.conversation.commands import Commands
from akool_async.conversation.options import Mode, SessionInfo
from akool_async.conversation.outbox import Outbox
from akool_async.conversation.params import Params
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    MessageTooLargeError,
)
from akool_async.stream import PacketLimits, new_mid
from akool_async.stream.messages import CommandAnswer

__all__ = ["Settings"]

logger = logging.getLogger("akool_async.conversation")


class Settings:
    """Settings are changed one call after the other: an older command that is sent again must not
    undo a newer one.

    Attributes:
        params: the caller's settings, as given to create and to `set_params`.
        mode: the mode the avatar is in, as far as is known: `say` may have changed it.
    """

    def __init__(
        self, info: SessionInfo, limits: PacketLimits, *, commands: Commands, outbox: Outbox
    ) -> None:
        self.params = Params.from_info(info)
        self.mode: Mode | None = info.mode
        self._limits = limits
        self._commands = commands
        self._outbox = outbox
        self._retelling_by_us = False
        self._lock = asyncio.Lock()

    @property
    def known(self) -> Params:
        """The caller's settings, and the mode the avatar is in."""
        return self.params if self.mode is None else replace(self.params, mode=self.mode)

    @property
    def mode_to_restore(self) -> Mode | None:
        """The mode a question needs, where `say` set another; `None`: none has to be set."""
        wanted = self.params.mode
        if wanted is None and self._retelling_by_us:
            wanted = 2
        return wanted if wanted != self.mode else None

    def prefer(self, params: Params) -> None:
        """What the caller wants from now on; a command with it is still to be sent."""
        self.params = self.params.updated(params)

    def want(self, params: Params) -> None:
        """What the caller wants from now on, without a command: it is sent some other way."""
        self.params = self.params.updated(params)
        self.mode = self.params.mode

    async def prove(self, *, timeout: float) -> None:
        """Repeats what the session was created with; any answer proves both directions. Of a
        session made elsewhere nothing is known, so nothing is changed.
        """
        fitting, left_out = self.params.fitting(self._limits)
        for name in left_out:
            logger.warning(
                "the opening set-params is sent without %s: with it, it takes more than the %d "
                "bytes of a packet; the session was created with it",
                name,
                self._limits.max_bytes,
            )
        self.params = fitting
        await self._send(fitting, timeout)
        self.mode = self.params.mode

    async def repeat(self, *, timeout: float) -> None:
        """Sends what is known again: the service may have reset it. An answer that fails to come is
        logged.
        """
        async with self._lock:
            commands, left_out = self.known.split(self._limits)
            try:
                for params in commands:
                    await self._send(params, timeout)
            except (CommandRejectedError, CommandTimeoutError) as error:
                logger.warning("sending the avatar's settings again failed: %s", error)
            if left_out:
                logger.warning("too large to be sent again: %s", ", ".join(left_out))

    async def set_params(self, params: Params, *, timeout: float) -> None:
        """Sets what the caller wants from now on: in several commands where one can't hold it.

        Raises:
            MessageTooLargeError: a setting is too large for any command; nothing was sent.
            CommandRejectedError, CommandTimeoutError, DisconnectedError,
            ConversationClosedError: see `Commands.send`.
        """
        commands, too_large = params.split(self._limits)
        for name in too_large:
            size = Params(**{name: params.given()[name]}).packet_size()
            raise MessageTooLargeError(
                name,
                f"takes {size} bytes in a command, which can't be cut, a packet holds "
                f"{self._limits.max_bytes}: give a shorter one",
                size=size,
                limit=self._limits.max_bytes,
            )
        clock = asyncio.get_running_loop().time
        ends = clock() + timeout
        for part in commands:
            await self._change(part, max(ends - clock(), 0.001))
            self.params = self.params.updated(part)

    async def set_mode(self, mode: Mode, *, timeout: float) -> None:
        """Puts the avatar into a mode, if it isn't in it. The caller's settings stay as they are.

        Raises:
            CommandRejectedError, CommandTimeoutError, DisconnectedError,
            ConversationClosedError: see `Commands.send`.
        """
        if self.mode != mode:
            self._retelling_by_us = self._retelling_by_us or mode == 1
            await self._change(Params(mode=mode), timeout, needed=lambda: self.mode != mode)

    async def restore_mode(self, *, timeout: float) -> None:
        """Puts the avatar into the mode that a question needs; a `set_params` that is under way
        comes first, and may need another one, or none. Raises as `set_mode`.
        """
        if (mode := self.mode_to_restore) is not None:
            await self._change(
                Params(mode=mode), timeout, needed=lambda: self.mode_to_restore == mode
            )

    async def _change(
        self, params: Params, timeout: float, *, needed: Callable[[], bool] | None = None
    ) -> None:
        limit = asyncio.get_running_loop().time() + timeout
        try:
            async with asyncio.timeout_at(limit):
                await self._lock.acquire()
        except TimeoutError:
            raise _not_sent(timeout, "an earlier set-params has no answer yet") from None
        try:
            before = self.mode
            if needed is not None and not needed():
                return  # as the call left it that was waited for
            if params.mode is not None and params.mode != before:
                try:  # commands overtake chat, which must not be heard in another mode
                    async with asyncio.timeout_at(limit):
                        await self._outbox.wait_until_empty()
                except TimeoutError:
                    raise _not_sent(timeout, "chat from before it still waits") from None
                self.mode = None  # until the answer says so
            left = limit - asyncio.get_running_loop().time()
            try:
                await self._send(params, max(left, 0.001))
            except CommandRejectedError:
                self.mode = before
                raise
            if params.mode is not None:
                self.mode = params.mode
        finally:
            self._lock.release()

    async def _send(self, params: Params, timeout: float) -> CommandAnswer:
        return await self._commands.send(params.message(new_mid()), timeout=timeout)


def _not_sent(timeout: float, why: str) -> CommandTimeoutError:
    return CommandTimeoutError(f"set-params wasn't sent within {timeout:g} s: {why}")
