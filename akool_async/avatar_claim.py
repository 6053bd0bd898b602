"""What is done about an avatar before a paid session with it is created, where it is asked for."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from akool_async.errors import AkoolError, SessionLeftOpenError
from akool_async.resources.avatars import Avatars
from akool_async.resources.executor import APIExecutor
from akool_async.resources.legacy_sessions import LegacySessions
from akool_async.resources.sessions import Sessions
from akool_async.rest.retry import RetryRules

__all__ = ["AvatarVoice", "avatars_voice", "take_over"]

logger = logging.getLogger(__name__)

#: Seconds for reading an avatar's voice: a session without it is better than none.
_VOICE_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class AvatarVoice:
    """An avatar's own voice.

    Attributes:
        voice_id: `None` where it has none, or where that couldn't be read.
        problem: why it couldn't be read; "" where it could.
    """

    voice_id: str | None
    problem: str = ""


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


async def avatars_voice(executor: APIExecutor, avatar_id: str) -> AvatarVoice:
    """The avatar's own voice, where that can be read within 5 s."""
    quick = replace(
        executor,
        timeout=min(_VOICE_TIMEOUT, executor.timeout),
        retry=RetryRules(max_retries=0),
    )
    try:
        return AvatarVoice((await Avatars(quick).get(avatar_id)).voice_id or None)
    except AkoolError as error:
        return AvatarVoice(None, f"the voice of the avatar {avatar_id} couldn't be read ({error})")
