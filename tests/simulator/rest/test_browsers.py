"""`simulator.rest.browsers`: which web pages may use the simulator."""

from __future__ import annotations

import aiohttp
import pytest

from akool_async.errors import InvalidParameterError
from akool_async.simulator import Simulator

LIST = "/api/open/v4/liveAvatar/session/list"
CREATE = "/api/open/v4/liveAvatar/session/create"
KEY = {"x-api-key": "k"}
BODY = {"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": "livekit"}


@pytest.mark.parametrize("path", [LIST, CREATE, "/rtc", "/nothing"])
@pytest.mark.parametrize(
    "origin",
    ["http://localhost:5173", "http://127.0.0.1:8080", "https://[::1]", "http://app.example"],
)
async def test_calls_of_an_allowed_page_are_preflighted(path: str, origin: str) -> None:
    async with (
        Simulator(allow_origins=["http://app.example/"]) as sim,
        aiohttp.ClientSession() as http,
        http.options(sim.url + path, headers={"Origin": origin}) as answer,
    ):
        assert answer.ok
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        allowed = answer.headers["Access-Control-Allow-Headers"]
        assert allowed == "authorization, x-api-key, content-type"
        methods = answer.headers["Access-Control-Allow-Methods"]
        assert {"GET", "POST", "DELETE"} <= set(methods.split(", "))
        assert not sim.requests


async def test_an_allowed_page_can_read_refusals_and_faults() -> None:
    origin = "http://localhost:3000"
    async with Simulator() as sim, aiohttp.ClientSession(headers={"Origin": origin}) as http:
        sim.fail_next(status=503)
        for path, status in ((LIST, 503), (LIST, 200), ("/rtc/v1", 404)):
            async with http.get(sim.url + path) as answer:
                assert answer.status == status
                assert answer.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://page.example"},
        {"Origin": "http://localhost.page.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        # A page whose own domain resolves to this machine sends no Origin with a GET.
        {"Host": "page.example"},
        {"Host": "page.example:8787", "Origin": "https://page.example:8787"},
        {"Host": "["},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_other_pages_can_do_nothing(method: str, headers: dict[str, str]) -> None:
    async with Simulator() as sim, aiohttp.ClientSession() as http:
        for path in (LIST, CREATE, "/rtc", "/loopback/agora"):
            request = http.request(method, sim.url + path, json=BODY, headers=KEY | headers)
            async with request as answer:
                assert answer.status == 403
                assert (await answer.json())["code"] == 1009
                assert "Access-Control-Allow-Origin" not in answer.headers
        assert not sim.sessions
        assert not sim.requests


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:80", "[::1]:80", "192.0.2.7:8787", "Akool"]
)
async def test_names_by_which_it_may_be_called(host: str) -> None:
    async with (
        Simulator(allow_hosts=["akool"]) as sim,
        aiohttp.ClientSession() as http,
        http.get(sim.url + LIST, headers=KEY | {"Host": host}) as answer,
    ):
        assert (await answer.json())["code"] == 1000


async def test_any_page_where_that_was_asked_for() -> None:
    async with (
        Simulator(allow_origins=["*"]) as sim,
        aiohttp.ClientSession() as http,
        http.get(sim.url + LIST, headers=KEY | {"Origin": "https://page.example"}) as answer,
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example"


def test_one_text_in_place_of_several_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="allow_origins"):
        Simulator(allow_origins="https://page.example")
