"""Avatars: the streaming ones, the general catalogue, and uploading one's own.

See docs/protocol.md §1.
"""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Final, Literal

from akool_async.errors import AvatarFailedError, InvalidParameterError
from akool_async.models.avatar import Avatar, UrlFrom, upload_body
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.polling import Progress, poll
from akool_async.resources.reading import check_page, one
from akool_async.rest.request import Idempotency, get, post
from akool_async.validation import choice, text

__all__ = ["Avatars"]

_V4: Final = "/api/open/v4/liveAvatar/avatar"
_V3: Final = "/api/open/v3/avatar"


class Avatars:
    """`client.avatars`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor

    def list(
        self,
        *,
        page: int = 1,
        size: int = 100,
        platform: Literal["open", "aigc"] | None = None,
    ) -> AsyncPaginator[Avatar]:
        """The streaming avatars, whose ids work for sessions.

        Args:
            page: from 1; where iterating begins.
            size: items on a page, 1..100.
            platform: "open" (the service's default) or "aigc".

        Raises:
            InvalidParameterError: at once, for a value out of range.
        """
        page, size = check_page(page, size)
        if platform is not None:
            platform = choice("platform", platform, ("open", "aigc"))

        async def fetch(number: int) -> PageData[Avatar]:
            request = get(f"{_V4}/list", page=number, size=size, platform=platform)
            return await self._executor.page(request, Avatar)

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)

    def catalogue(
        self,
        *,
        source: Literal[2, 3] = 2,
        type: Literal[1, 2] | None = None,  # noqa: A002 - the service's name
        page: int = 1,
        size: int = 100,
    ) -> AsyncPaginator[Avatar]:
        """The general catalogue of version 3. Only ids that `list` has as well work for sessions.

        Args:
            source: 2 official, 3 one's own.
            type: 1 talking, 2 streaming, `None` all.
            page: from 1; where iterating begins.
            size: items on a page, 1..100.

        Raises:
            InvalidParameterError: at once, for a value out of range.
        """
        page, size = check_page(page, size)
        source = choice("source", source, (2, 3))
        if type is not None:
            type = choice("type", type, (1, 2))  # noqa: A001 - as the parameter

        async def fetch(number: int) -> PageData[Avatar]:
            query = {"from": source, "type": type, "page": number, "size": size}
            request = get(f"{_V3}/list", **query)
            return await self._executor.page(request, Avatar)

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)

    async def get(self, avatar_id: str) -> Avatar:
        """A streaming avatar by its `avatar_id`. Its answer may hold no `status`.

        Raises:
            NotFoundError: there is none of that id.
        """
        request = get(f"{_V4}/detail", avatar_id=text("avatar_id", avatar_id))
        return await self._executor.call(request, partial(one, Avatar))

    async def get_record(self, record_id: str) -> Avatar:
        """An avatar by its record's `_id`, with its `status` (version 3).

        Raises:
            NotFoundError: there is none of that id.
        """
        request = get(f"{_V3}/detail", id=text("record_id", record_id))
        return await self._executor.call(request, partial(one, Avatar))

    async def upload(self, url: str, *, avatar_id: str, name: str, url_from: UrlFrom = 1) -> Avatar:
        """Makes a streaming avatar from a video; it can be used once `wait_until_ready` returned.

        Args:
            url: the video's link; about a minute long, the head turning a little only.
            avatar_id: the id it shall have: ASCII letters and digits.
            name: for people.
            url_from: 1 a link to the file itself, 2 YouTube, TikTok, X or Google Drive.

        Raises:
            InvalidParameterError: a wrong value, before anything is sent.
            ConflictError: the id is taken.
            ProcessingError: uploads are used up, or the media can't be used.
        """
        body = upload_body(url, avatar_id, name, url_from)
        request = post(f"{_V3}/create", body, idempotency=Idempotency.UNLESS_DONE)
        return await self._executor.call(request, partial(one, Avatar))

    async def wait_until_ready(
        self,
        avatar: Avatar | str,
        *,
        timeout: float = 1800.0,
        interval: float = 5.0,
        on_progress: Progress[Avatar] | None = None,
    ) -> Avatar:
        """Waits until an uploaded avatar has been processed.

        Args:
            avatar: what `upload` returned, or the record's `_id`.
            timeout: seconds to wait in all.
            interval: seconds between the first two questions; later pauses grow up to ten times.
            on_progress: called with every answer; plain or async.

        Raises:
            AvatarFailedError: processing failed.
            WaitTimeoutError: not ready in time.
        """
        record = avatar.id if isinstance(avatar, Avatar) else avatar
        if not record:
            raise InvalidParameterError("avatar", "has no record id (_id) to follow it by")
        record_id = text("avatar", record)

        def done(found: Avatar) -> bool:
            if found.failed:
                raise AvatarFailedError(
                    f"Processing the avatar {record_id} failed", record_id=record_id
                )
            return found.ready

        return await poll(
            f"avatar {record_id}",
            partial(self.get_record, record_id),
            done=done,
            status=lambda found: found.status,
            timeout=timeout,
            interval=interval,
            on_progress=on_progress,
        )
