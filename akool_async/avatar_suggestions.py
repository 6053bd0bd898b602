"""What may have been meant by an avatar's id that the service doesn't know."""

from __future__ import annotations

import difflib
import logging
from dataclasses import replace
from typing import Final

from akool_async.errors import AkoolError
from akool_async.models.session import LEGACY_AVATARS
from akool_async.resources.avatars import Avatars
from akool_async.resources.executor import APIExecutor
from akool_async.rest.retry import RetryRules

__all__ = ["suggestion"]

logger = logging.getLogger(__name__)

#: Seconds; the error that it is added to waits for it.
_TIMEOUT: Final = 5.0
#: Ids that are shown.
_MOST: Final = 3


async def suggestion(executor: APIExecutor, avatar_id: str, *, legacy: bool) -> str:
    """A sentence with ids that are written alike, or how to list all of them."""
    known = LEGACY_AVATARS if legacy else await _known(executor)
    close = difflib.get_close_matches(avatar_id, known, n=_MOST, cutoff=0.6)
    if close:
        return f"There is no avatar {avatar_id!r}. Close to it: {', '.join(close)}."
    return (
        f"There is no avatar {avatar_id!r}. To list those that there are: akool avatars list, or "
        "async for avatar in client.avatars.list()."
    )


async def _known(executor: APIExecutor) -> tuple[str, ...]:
    """The ids of the first hundred; none where they can't be had in time."""
    quick = replace(
        executor, timeout=min(_TIMEOUT, executor.timeout), retry=RetryRules(max_retries=0)
    )
    try:
        page = await Avatars(quick).list(size=100)
    except AkoolError as error:
        logger.debug("no ids to suggest: %s", error)
        return ()
    return tuple(avatar.avatar_id for avatar in page if avatar.avatar_id)
