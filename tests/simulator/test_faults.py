from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from akool_async.simulator import Fault

LIST = "/v4/liveAvatar/session/list"
CREATE = "/v4/liveAvatar/session/create"
BODY = {"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": "livekit"}


async def _raw(caller: Any, path: str = LIST) -> tuple[int, str, Any]:
    async with caller.http.get(f"{caller.sim.url}/api/open{path}") as answer:
        return answer.status, await answer.text(), answer.headers


async def test_a_code_once(start: Any) -> None:
    caller = await start()
    caller.sim.fail_next(code=1005, message="slow down", headers={"Retry-After": "3"})
    status, text, headers = await _raw(caller)
    assert (status, json.loads(text)) == (200, {"code": 1005, "msg": "slow down"})
    assert headers["Retry-After"] == "3"
    assert await caller.code("GET", LIST) == 1000
    assert [r.code for r in caller.sim.requests] == [1005, 1000]


async def test_a_status_is_a_web_servers_page(start: Any) -> None:
    caller = await start()
    caller.sim.fail_next(status=502)
    status, text, headers = await _raw(caller)
    assert (status, headers["Content-Type"].split(";")[0]) == (502, "text/html")
    assert text.startswith("<html>")
    caller.sim.fail_next(html=True)
    assert (await _raw(caller))[0] == 200
    caller.sim.fail_next(status=429, code=1005)
    status, text, _ = await _raw(caller)
    assert (status, json.loads(text)["code"]) == (429, 1005)


async def test_truncated_and_padded_answers_are_the_true_ones(start: Any) -> None:
    caller = await start()
    caller.sim.fail_next(truncated=True)
    _, text, _ = await _raw(caller)
    assert text.startswith('{"code": 1000')
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    caller.sim.fail_next(padding=1_000_000)
    _, text, _ = await _raw(caller)
    assert len(text) > 1_000_000
    assert json.loads(text)["data"] == {"count": 0, "result": []}


async def test_other_bodies(start: Any) -> None:
    caller = await start()
    caller.sim.fail_next(no_envelope=True)
    assert "code" not in json.loads((await _raw(caller))[1])
    caller.sim.fail_next(body=b"null")
    assert (await _raw(caller))[1] == "null"


async def test_a_dropped_connection_may_have_acted_or_not(start: Any) -> None:
    caller = await start()
    for acts in (False, True):
        caller.sim.fail_next(drop=True, acts=acts)
        with pytest.raises(aiohttp.ClientConnectionError):
            await caller("POST", CREATE, BODY)
        assert len(caller.sim.open_sessions) == int(acts)
    assert [r.status for r in caller.sim.requests] == [None, None]


async def test_a_delay_is_of_the_simulators_time(start: Any) -> None:
    caller = await start()
    caller.sim.fail_next(delay=3600)
    with pytest.raises(TimeoutError):
        async with caller.http.get(caller.sim.url, timeout=aiohttp.ClientTimeout(total=0.2)):
            pass
    caller.sim.fail_next(delay=0.01)
    assert await caller.code("GET", LIST) == 1000


async def test_times_and_path_and_method(start: Any) -> None:
    caller = await start()
    fault = caller.sim.fail_next(code=1215, times=2, path="*/session/create", method="POST")
    assert await caller.code("GET", LIST) == 1000
    assert await caller.code("POST", CREATE, BODY) == 1215
    assert await caller.code("POST", CREATE, BODY) == 1215
    assert await caller.code("POST", CREATE, BODY) == 1000
    assert fault.times == 0
    forever = caller.sim.fail_next(Fault(code=1200, times=None))
    assert [await caller.code("GET", LIST) for _ in range(3)] == [1200] * 3
    caller.sim.clear_faults(forever)
    caller.sim.fail_next(code=1)
    caller.sim.clear_faults()
    assert await caller.code("GET", LIST) == 1000


@pytest.mark.parametrize("wrong", [{}, {"code": 1, "times": 0}, {"delay": -1}, {"acts": True}])
def test_a_fault_that_does_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"times|delay|nothing"):
        Fault(**wrong)
