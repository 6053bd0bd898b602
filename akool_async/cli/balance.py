"""What the account has before a command's session and after it."""

from __future__ import annotations

from typing import Final

from akool_async.cli.terminal import Printer
from akool_async.client import AkoolClient
from akool_async.errors import AkoolError

__all__ = ["Balance"]

#: Seconds for asking: the command doesn't depend on it.
_TIMEOUT: Final = 5.0


class Balance:
    """The account's credits, where the service says them."""

    def __init__(self, akool: AkoolClient) -> None:
        self._akool = akool.with_options(timeout=_TIMEOUT, max_retries=0)
        self._before: float | None = None

    async def note(self) -> None:
        """Reads what there is before a session is opened."""
        self._before = await self._read()

    async def compared(self) -> str:
        """What there was, what there is now that the session is closed; "" where it isn't known."""
        before = self._before
        after = None if before is None else await self._read()
        if before is None or after is None:
            return ""
        return f"{before:,.1f} before, {after:,.1f} after: {before - after:,.1f} used"

    async def spent(self) -> float | None:
        """What was taken from the account since `note`; `None` where it isn't known.

        The service takes the credits of a session's whole duration, and gives back at its end.
        """
        after = None if self._before is None else await self._read()
        return None if self._before is None or after is None else self._before - after

    async def show(self, out: Printer) -> None:
        """Prints `compared`, where it is known."""
        if text := await self.compared():
            out.line(f"Credits: {text}.")

    async def _read(self) -> float | None:
        try:
            return await self._akool.account.credits()
        except AkoolError:
            return None
