"""Asking the session's owner for credentials with a new token: `JoinTarget.renew_credentials`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from akool_async.errors import AkoolError, JoinRefusedError, JoinTimeoutError
from akool_async.models.credentials import Credentials

__all__ = ["renewed_credentials"]


async def renewed_credentials(
    renew: Callable[[], Awaitable[Credentials]], *, timeout: float, room: str
) -> Credentials:
    """What `renew` returns, within `timeout` seconds. It is the user's code and may fail anyhow.

    Args:
        renew: the owner's function.
        timeout: in seconds.
        room: what the token is for, for messages ("LiveKit room").

    Raises:
        JoinTimeoutError: it didn't return in time.
        JoinRefusedError: it raised. The error is its cause; only the text of an error of this
            library is quoted, because another one may hold the credentials.
    """
    task = asyncio.ensure_future(_call(renew))
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
        raise
    if not done:
        task.cancel()
        raise JoinTimeoutError(
            f"renew_credentials brought no new token for the {room} in {timeout:g} s"
        )
    if task.cancelled():
        raise JoinRefusedError(f"renew_credentials for the {room} cancelled itself")
    error = task.exception()
    if error is None:
        return task.result()
    if not isinstance(error, Exception):
        raise error
    why = str(error) if isinstance(error, AkoolError) else type(error).__name__
    raise JoinRefusedError(f"renew_credentials failed for the {room}: {why}") from error


async def _call(renew: Callable[[], Awaitable[Credentials]]) -> Credentials:
    return await renew()
