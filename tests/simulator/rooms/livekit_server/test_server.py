from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from aiohttp import web

from akool_async.errors import InvalidParameterError
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer

SECRET = "a-secret-of-thirty-two-characters"


def server(url: str = "ws://127.0.0.1:7880") -> LiveKitServer:
    return LiveKitServer(url, "key", SECRET)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (("ftp://host", "key", SECRET), "url"),
        (("host:7880", "key", SECRET), "url"),
        (("ws://host", "", SECRET), "api_key"),
        (("ws://host", "key", ""), "api_secret"),
    ],
)
def test_a_wrong_server_is_refused(given: tuple[str, str, str], field: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        LiveKitServer(*given)
    assert caught.value.field == field
    assert SECRET not in str(caught.value)


def test_the_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(server())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:1", "ws://host:1"),
        ("https://host", "wss://host"),
        ("wss://host", "wss://host"),
    ],
)
def test_clients_get_a_websocket_url(url: str, shown: str) -> None:
    assert server(url).websocket_url == shown


def test_a_token_lets_its_identity_into_its_room() -> None:
    payload = server().token("avatar", "r", lifetime=60.9, can_publish_data=False).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["sub"], claims["iss"]) == ("avatar", "key")
    assert claims["video"]["room"] == "r"
    assert claims["video"]["roomJoin"] is True
    assert claims["video"]["canPublishData"] is False
    assert isinstance(claims["exp"], int)
    assert 50 < claims["exp"] - time.time() <= 61


class Api:
    """A server's own API, which answers each call with the next of `answers`: a Twirp code."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path.rsplit("/", 1)[-1])
        code = self.answers.pop(0) if self.answers else ""
        if code:
            return web.json_response({"code": code, "msg": "no"}, status=404)
        return web.Response(body=b"", content_type="application/protobuf")


@pytest.fixture
async def api() -> Any:
    handler = Api()
    app = web.Application()
    app.router.add_post("/{path:.*}", handler.answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield handler, server(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


async def test_what_is_not_there_needs_no_deleting(api: tuple[Api, LiveKitServer]) -> None:
    handler, there = api
    handler.answers = ["", "not_found", "not_found"]
    await there.delete_room("r")
    await there.delete_room("r")
    await there.remove("r", "me")
    assert handler.asked == ["DeleteRoom", "DeleteRoom", "RemoveParticipant"]


async def test_a_participant_that_leaves_at_this_moment_is_asked_for_again(
    api: tuple[Api, LiveKitServer],
) -> None:
    handler, there = api
    handler.answers = ["unavailable", "unavailable"]
    await there.remove("r", "me")
    assert len(handler.asked) == 3


@pytest.mark.parametrize("codes", [["permission_denied"], ["unavailable"] * 3])
async def test_other_answers_are_raised(api: tuple[Api, LiveKitServer], codes: list[str]) -> None:
    from livekit import api as livekit_api

    handler, there = api
    handler.answers = list(codes)
    with pytest.raises(livekit_api.TwirpError) as caught:
        await there.remove("r", "me")
    assert caught.value.code == codes[-1]
    assert len(handler.asked) == len(codes)
