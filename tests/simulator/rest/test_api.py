"""The envelope and who is let in (docs/protocol.md §1)."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest

from akool_async.simulator import Simulator
from akool_async.simulator.rest.api import loosened

LIST = "/api/open/v4/liveAvatar/session/list"
CREATE = "/api/open/v4/liveAvatar/session/create"


async def _code(sim: Simulator, path: str = LIST, method: str = "GET", **request: Any) -> int:
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, sim.url + path, **request) as answer,
    ):
        assert answer.status == 200
        assert answer.content_type == "application/json"
        return int((await answer.json())["code"])


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 1102),
        ({"x-api-key": ""}, 1102),
        ({"Authorization": " "}, 1102),
        ({"x-api-key": "right"}, 1000),
        ({"x-api-key": "wrong"}, 1101),
        ({"Authorization": "right"}, 1101),
        ({"Authorization": "Basic right"}, 1101),
        ({"Authorization": "Bearer "}, 1101),
        ({"Authorization": "Bearer unknown"}, 1101),
        # Both: Authorization is used, whatever the key says.
        ({"x-api-key": "right", "Authorization": "Bearer unknown"}, 1101),
    ],
)
async def test_who_is_let_in(headers: dict[str, str], code: int) -> None:
    async with Simulator(api_key="right") as sim:
        assert await _code(sim, headers=headers) == code


async def test_any_key_or_token_will_do_where_none_is_the_right_one() -> None:
    async with Simulator() as sim:
        assert await _code(sim, headers={"x-api-key": "anything"}) == 1000
        assert await _code(sim, headers={"Authorization": "bearer anything"}) == 1000
        assert await _code(sim) == 1102


async def test_a_token_is_fetched_used_and_grows_stale() -> None:
    async with Simulator(api_key="right", client_id="me", token_life=100) as sim:
        path = "/api/open/v3/getToken"
        body = {"clientId": "me", "clientSecret": "right"}
        async with aiohttp.ClientSession() as http:
            answer = await (await http.post(sim.url + path, json=body)).json()
        assert set(answer) == {"code", "token"}
        good = {"Authorization": f"Bearer {answer['token']}", "x-api-key": "wrong"}
        assert await _code(sim, headers=good) == 1000
        await sim.advance(101)
        assert await _code(sim, headers=good) == 1101
        for wrong in (
            {},
            {"clientId": "me"},
            body | {"clientSecret": "x"},
            body | {"clientId": "x"},
        ):
            code = await _code(sim, path, "POST", json=wrong)
            assert code == (1101 if len(wrong) == 2 else 1003)


async def test_tokens_can_be_expired_at_once() -> None:
    async with Simulator() as sim:
        headers = {"Authorization": "Bearer mine"}
        assert await _code(sim, headers=headers) == 1000
        sim.access.expire_tokens()
        assert await _code(sim, headers=headers) == 1101
        token = sim.access.issue_token()
        assert await _code(sim, headers={"Authorization": f"Bearer {token}"}) == 1000


@pytest.mark.parametrize(
    ("method", "path", "request_", "code"),
    [
        ("POST", CREATE, {"data": b"{not json"}, 1003),
        ("POST", CREATE, {"data": b"\xff"}, 1003),
        ("POST", CREATE, {"data": b"[]"}, 1003),
        ("POST", CREATE, {"data": b'{"avatar_id":NaN}'}, 1003),
        ("POST", CREATE, {}, 1003),
        ("POST", CREATE, {"data": io.BytesIO(b"x" * (5 * 2**20))}, 1003),
        ("GET", CREATE, {}, 1003),
        ("DELETE", LIST, {}, 1003),
        ("GET", "/api/open/v3/getToken", {}, 1003),
        ("GET", "/api/open/v4/nothing", {}, 1008),
        ("GET", "/", {}, 1008),
        ("POST", "/api/open/v4/liveAvatar/session/close", {"json": {"id": 7}}, 1003),
    ],
)
async def test_refusals_are_json_with_status_200(
    method: str, path: str, request_: dict[str, Any], code: int
) -> None:
    async with Simulator() as sim:
        assert await _code(sim, path, method, headers={"x-api-key": "k"}, **request_) == code


async def test_a_body_is_read_under_any_content_type() -> None:
    async with Simulator() as sim:
        headers = {"x-api-key": "k", "Content-Type": "text/plain"}
        body = b'{"name": "Facts"}'
        path = "/api/open/v4/knowledge/create"
        assert await _code(sim, path, "POST", headers=headers, data=body) == 1000


async def test_requests_are_recorded_and_their_secrets_are_not_shown() -> None:
    async with Simulator() as sim:
        headers = {"x-api-key": "key-unspoken"}
        body = {"clientId": "me", "clientSecret": "secret-unspoken"}
        await _code(sim, LIST, params={"page": "2"}, headers=headers)
        await _code(sim, "/api/open/v3/getToken", "POST", json=body)
        await _code(sim, CREATE, "POST", headers=headers, data=b"oops secret-unspoken")
        listed, fetched, created = sim.requests
        assert (listed.method, listed.path, listed.query) == ("GET", LIST, {"page": "2"})
        assert listed.headers["x-api-key"] == "key-unspoken"
        assert (listed.code, listed.status) == (1000, 200)
        assert fetched.body == body
        assert (created.code, created.body) == (1003, b"oops secret-unspoken")
        assert "unspoken" not in repr(sim.requests)


def test_an_answer_as_it_is_seen_in_the_wild() -> None:
    data = {
        "_id": "s1",
        "status": 2,
        "open": True,
        "duration": 1.5,
        "gender": "Male",
        "list": [1, {"url": "https://x"}],
    }
    assert loosened({"code": 1000, "msg": "OK", "data": data}) == {
        "code": "1000",
        "message": "OK",
        "request_id": 5150,
        "data": {
            "_id": "s1",
            "status": "2",
            "open": True,
            "duration": "1.5",
            "gender": None,
            "list": ["1", {"url": None, "new": {"field": 1}}],
            "new": {"field": 1},
        },
    }


def test_the_answer_itself_is_left_as_it_was() -> None:
    envelope: dict[str, Any] = {"code": 1000, "msg": "OK", "data": {"status": 2}}
    loosened(envelope)
    assert envelope == {"code": 1000, "msg": "OK", "data": {"status": 2}}


def test_without_words_there_is_an_empty_message() -> None:
    assert loosened({"code": 1101}) == {"code": "1101", "message": "", "request_id": 5150}
