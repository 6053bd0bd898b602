"""Voices (docs/protocol.md §1)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Final, Literal
from urllib.parse import quote

from akool_async.errors import InvalidParameterError, VoiceFailedError
from akool_async.models.voice import Voice, VoiceModel, clone_body
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.polling import Progress, poll
from akool_async.resources.reading import check_page, nothing, one, one_with_id
from akool_async.rest.pages import MAX_ITEMS
from akool_async.rest.request import Idempotency, get, post
from akool_async.validation import choice, flag, text, text_list

__all__ = ["Voices"]

_AT: Final = "/api/open/v4/voice"


class Voices:
    """`client.voices`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor

    def list(
        self,
        type: Literal[1, 2] = 2,  # noqa: A002 - the service's name
        *,
        page: int = 1,
        size: int = 10,
        style: str | Sequence[str] | None = None,
        gender: str | Sequence[str] | None = None,
        age: str | Sequence[str] | None = None,
        scenario: str | Sequence[str] | None = None,
        name: str | None = None,
        support_stream: bool | None = None,
    ) -> AsyncPaginator[Voice]:
        """The voices that fit.

        Args:
            type: 1 cloned ones, 2 Akool's.
            page: from 1; where iterating begins.
            size: items on a page.
            style: one or several, also as a comma list; so are the next three.
            gender: "male", "female".
            age: "young", "middle" …
            scenario: "advertisement" …
            name: a part of it.
            support_stream: only those that a session can use, or only the others.

        Raises:
            InvalidParameterError: at once, for a wrong value.
        """
        page, size = check_page(page, size, MAX_ITEMS)
        lists = {"style": style, "gender": gender, "age": age, "scenario": scenario}
        query: dict[str, object] = {"type": choice("type", type, (1, 2)), "size": size}
        query |= {key: text_list(key, value) for key, value in lists.items() if value is not None}
        if name is not None:
            query["name"] = text("name", name)
        if support_stream is not None:
            # Numbers in the question, a boolean in the answer.
            query["support_stream"] = 1 if flag("support_stream", support_stream) else 2

        async def fetch(number: int) -> PageData[Voice]:
            request = get(f"{_AT}/list", **query, page=number)
            return await self._executor.page(request, Voice)

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)

    async def get(self, record_id: str) -> Voice:
        """A voice by its record's `_id`.

        Raises:
            NotFoundError: there is none of that id.
        """
        request = get(f"{_AT}/detail/{quote(text('record_id', record_id), safe='')}")
        return await self._executor.call(request, partial(one, Voice))

    async def clone(
        self,
        source_voice_file: str,
        *,
        name: str,
        text: str | None = None,
        gender: str | None = None,
        style: str | Sequence[str] | None = None,
        scenario: str | Sequence[str] | None = None,
        age: str | Sequence[str] | None = None,
        clone_prompt: str | None = None,
        voice_model_name: VoiceModel | None = None,
        webhook_url: str | None = None,
    ) -> Voice:
        """Makes a voice from a recording. It has a `voice_id` once `wait_until_ready` returned.

        A call that may have been paid for is never repeated.

        Args:
            source_voice_file: the recording's link.
            name: of the voice.
            text: what the preview says.
            gender: "Male", "Female".
            style: one or several, as are `scenario` and `age`.
            scenario: "Conversational" …
            age: "Young" …
            clone_prompt: how the voice is to be made.
            voice_model_name: "Akool Multilingual 1", "Akool Multilingual 3" or "… 4".
            webhook_url: called when the status changes; see `akool_async.webhooks`.

        Raises:
            InvalidParameterError: a wrong value, before anything is sent.
            QuotaError: no credit.
            ProcessingError: the recording can't be used.
        """
        body = clone_body(
            source_voice_file,
            name=name,
            text=text,
            gender=gender,
            style=style,
            scenario=scenario,
            age=age,
            clone_prompt=clone_prompt,
            voice_model_name=voice_model_name,
            webhook_url=webhook_url,
        )
        request = post(f"{_AT}/clone", body, idempotency=Idempotency.UNLESS_DONE)
        return await self._executor.call(request, partial(one_with_id, Voice))

    async def delete(self, *voices: Voice | str) -> None:
        """Deletes voices of one's own.

        Args:
            *voices: what `clone` or `list` returned, or records' `_id`s; one or more.

        Raises:
            InvalidParameterError: none are given, or one has no id.
            NotFoundError: there is none of an id.
        """
        if not voices:
            raise InvalidParameterError("voices", "are missing, give one or more")
        body = {"_ids": [_record_id(voice) for voice in voices]}
        # A second try would find them gone, and report a success as an error.
        request = post(f"{_AT}/del", body, idempotency=Idempotency.UNLESS_DONE)
        await self._executor.call(request, nothing)

    async def wait_until_ready(
        self,
        voice: Voice | str,
        *,
        timeout: float = 600.0,
        interval: float = 2.0,
        on_progress: Progress[Voice] | None = None,
    ) -> Voice:
        """Waits until a cloned voice can be used.

        Args:
            voice: what `clone` returned, or the record's `_id`.
            timeout: seconds to wait in all.
            interval: seconds between the first two questions; later pauses grow up to ten times.
            on_progress: called with every answer; plain or async.

        Raises:
            VoiceFailedError: cloning failed.
            WaitTimeoutError: not ready in time.
        """
        record_id = _record_id(voice)

        def done(found: Voice) -> bool:
            if found.failed:
                raise VoiceFailedError(f"Cloning the voice {record_id} failed", record_id=record_id)
            return found.ready

        return await poll(
            f"voice {record_id}",
            partial(self.get, record_id),
            done=done,
            status=lambda found: found.status,
            timeout=timeout,
            interval=interval,
            on_progress=on_progress,
        )


def _record_id(voice: Voice | str) -> str:
    record = voice.id if isinstance(voice, Voice) else voice
    if not record:
        raise InvalidParameterError("voice", "has no record id (_id)")
    return text("voice", record)
