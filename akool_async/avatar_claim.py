"""What is done about an avatar before a paid session with it is created, where it is asked for."""

from __future__ import annotations

import logging
from dataclasses import replace

from akool_async.errors import AkoolError, SessionLeftOpenError
from akool_async.resources.avatars import Avatars
from akool_async.resources.executor import APIExecutor
from akool_async.resources.legacy_sessions import LegacySessions
from akool_async.resources.sessions import Sessions
from akool_async.rest.retry import RetryRules

__all__ = ["avatars_voice", "take_over"]

logger = logging.getLogger(__name__)

#: Seconds for reading an avatar's voice: a session without it is better than none.
_VOICE_TIMEOUT = 5.0


async def take_over(
    executor: APIExecutor, sessions: Sessions | LegacySessions, avatar_id: str
) -> None:
    """Closes the account's open sessions with an avatar, but for those that this client has open.

    What can't be closed is logged: whether the avatar can be had, creating a session will show.

    Raises:
        APIError, RequestError: the account's sessions couldn't be listed.
    """
    try:
        closed = await sessions.close_all(
            avatar_id=avatar_id, excluded=frozenset(executor.open_sessions.ids)
        )
    except SessionLeftOpenError as error:
        logger.warning("taking the avatar %s over: %s", avatar_id, error)
    else:
        for session_id in closed:
            logger.info("closed the session %s to take its avatar over", session_id)


async def avatars_voice(executor: APIExecutor, avatar_id: str) -> str | None:
    """The avatar's own voice, `None` where it has none or that can't be read within 5 s."""
    quick = replace(
        executor,
        timeout=min(_VOICE_TIMEOUT, executor.timeout),
        retry=RetryRules(max_retries=0),
    )
    try:
        return (await Avatars(quick).get(avatar_id)).voice_id or None
    except AkoolError as error:
        logger.warning(
            "the voice of the avatar %s couldn't be read (%s): the account's speaks",
            avatar_id,
            error,
        )
        return None
