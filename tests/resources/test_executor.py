"""What an error of a call shows: never what the service quotes of our secrets."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from scripted import Scripted, envelope

from akool_async.client import AkoolClient
from akool_async.errors import AkoolError, BadParameterError, InvalidResponseError

KEY = "sk-0123456789abcdefghijklmnop"
ROOM_TOKEN = "006" + "a" * 32 + "IABroomROOMroomROOM"
ELEVEN = "xi-elevenELEVENeleven"
SIGNED = "https://x.example/a.png?X-Signature=0123456789abcdef"


def shown(error: BaseException) -> str:
    """All that a program, a log or an error tracker may show of it."""
    out = [str(error), repr(error), repr(vars(error)), repr(error.args)]
    out += [repr(pickle.dumps(error)), *traceback.format_exception(error)]
    cause = error.__cause__ or error.__context__
    return "\n".join(out) + (shown(cause) if cause is not None else "")


def quoting(*names: str) -> Callable[[web.Request], Any]:
    """Answers 1003 with a value of the body, as validators do."""

    async def answer(request: web.Request) -> web.StreamResponse:
        value = await request.json()
        for name in names:
            value = value[name]
        return web.json_response(envelope(code=1003, msg=f"{names[-1]} {value} is invalid"))

    return answer


@pytest.mark.parametrize(
    ("fields", "names", "secret"),
    [
        (
            {
                "stream_type": "agora",
                "credentials": {"agora_uid": 5, "agora_channel": "c", "agora_token": ROOM_TOKEN},
            },
            ("credentials", "agora_token"),
            ROOM_TOKEN,
        ),
        (
            {"voice_params": {"elevenlabs_settings": {"api_key": ELEVEN}}},
            ("voice_params", "elevenlabs_settings", "api_key"),
            ELEVEN,
        ),
        ({"background_url": SIGNED}, ("background_url",), "0123456789abcdef"),
    ],
)
async def test_what_is_quoted_of_the_request(
    fields: dict[str, Any], names: tuple[str, ...], secret: str, service: Scripted
) -> None:
    async with AkoolClient(KEY, base_url=service.url) as client:
        service.answer(quoting(*names))
        with pytest.raises(BadParameterError) as caught:
            await client.sessions.create("avatar1", **fields)
    assert secret not in shown(caught.value)
    assert caught.value.field == names[-1]
    assert "***" in str(caught.value)


@pytest.mark.parametrize(
    "message",
    [
        f"the key {KEY} is wrong",
        f"the key {KEY[:15]}… is wrong",
        # here, cutting the message would leave a part of the key
        *("x" * length + KEY for length in (475, 485, 492, 499)),
        "x" * 30_000 + KEY,
    ],
)
async def test_a_key_or_a_part_of_it(message: str, service: Scripted) -> None:
    async with AkoolClient(KEY, base_url=service.url, max_retries=0) as client:
        for answer in (
            envelope(code=1003, msg=message),
            {"code": 1101, "message": message},
            {"code": 4711, "msg": message},
            {"code": None, "msg": message},
        ):
            service.answer(answer)
            with pytest.raises(AkoolError) as caught:
                await client.languages.list()
            for length in range(8, len(KEY) + 1):
                assert KEY[:length] not in shown(caught.value)


async def test_short_keys_arent_taken_out_of_words(service: Scripted) -> None:
    async with AkoolClient("any", base_url=service.url) as client:
        service.answer(envelope(code=1003, msg="too many words"))
        with pytest.raises(BadParameterError, match="too many words"):
            await client.languages.list()


async def test_an_answer_that_cant_be_read_isnt_a_part_of_the_error(
    service: Scripted, client: AkoolClient, secret: Callable[[str], str]
) -> None:
    token = secret("the-token-of-the-room-0123")
    room = {"livekit_url": "wss://x.example", "livekit_token": token}
    answers: list[Any] = [
        envelope({"credentials": room}),
        envelope([{"credentials": room}, token]),
        envelope(token),
        f'{{"code":1000,"data":{{"token":"{token}'.encode(),
        f'{{"code":1000,"data":"\\ud83d {token}'.encode(),
        f"<p>{token}</p>".encode(),
    ]
    for answer in answers:
        service.answer(answer)
        with pytest.raises(InvalidResponseError) as caught:
            await client.sessions.create("avatar1")
        error: BaseException | None = caught.value
        assert token not in shown(caught.value)
        while error is not None:
            assert not hasattr(error, "errors") or token not in repr(error.errors())
            error = error.__cause__ or error.__context__
