"""Control of a simulator from elsewhere, over its loopback port and its file."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from akool_async import AkoolClient
from akool_async.errors import (
    AkoolError,
    ConfigurationError,
    InvalidParameterError,
    NotFoundError,
)
from akool_async.events import UserSpoke
from akool_async.simulator import Simulator
from akool_async.simulator.remote import ControlServer, call

AVATAR = "dvp_Tristan_cloth2_1080P"
PORT = 8787


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "akool"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as one, ControlServer(one, PORT):
        yield one


async def test_a_visitor_is_heard_and_a_room_is_broken(sim: Simulator) -> None:
    async with (
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type="trtc") as avatar,
    ):
        session_id = avatar.info.session_id
        spoken = avatar.events(UserSpoke)
        [heard] = await call(PORT, "hear", text="good morning")
        assert heard["_id"] == session_id
        assert (await anext(spoken)).text == "good morning"
        await call(PORT, "hear", text="again", session=session_id)
        assert (await anext(spoken)).text == "again"
        for wrong, problem in (
            ({"name": "nonsense"}, "nonsense.*it knows avatar_leaves,.*silence"),
            ({"name": "silence"}, "seconds"),
        ):
            with pytest.raises(InvalidParameterError, match=problem):
                await call(PORT, "fault", **wrong)
        with pytest.raises(AkoolError, match="no session unknown"):
            await call(PORT, "fault", name="silence", session="unknown")
        [broken] = await call(PORT, "fault", name="silence", options={"seconds": 0.1})
        assert broken["_id"] == session_id
    [ended] = await call(PORT, "sessions")
    assert (ended["_id"], ended["status"]) == (session_id, 3)
    with pytest.raises(AkoolError, match="no session is open"):
        await call(PORT, "hear", text="too late")


async def test_a_simulator_that_ends_meanwhile_is_no_traceback(sim: Simulator) -> None:
    async with (
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type="trtc"),
    ):
        sim.fault = dropped  # type: ignore[method-assign]
        with pytest.raises(AkoolError, match="ended before it answered"):
            await call(PORT, "fault", name="silence", options={"seconds": 1})


async def test_a_session_that_there_is_not_is_not_found(sim: Simulator) -> None:
    with pytest.raises(NotFoundError, match="no session is open"):
        await call(PORT, "hear", text="hello")
    with pytest.raises(NotFoundError, match="no session unknown"):
        await call(PORT, "hear", text="hello", session="unknown")


async def test_a_session_that_has_ended(sim: Simulator) -> None:
    async with AkoolClient("any", base_url=sim.url) as akool:
        session = await akool.sessions.create(AVATAR, stream_type="trtc")
        await akool.sessions.close(session.id)
    for wanted in ({"text": "hello"}, {"name": "silence", "options": {"seconds": 1}}):
        with pytest.raises(NotFoundError, match="has ended"):
            await call(PORT, "hear" if "text" in wanted else "fault", session=session.id, **wanted)


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("drop_socket", {"refuse_for": 1}, "livekit room takes no option: .*'refuse_for'"),
        ("drop_socket", {"self": 1}, "livekit room takes no option: .*'self'"),
        ("refuse_join", {"bogus": 1}, "takes status, times: .*'bogus'"),
        ("silence", {"on": 1}, "silence in a livekit room: on is 1, not bool"),
        ("remove", {"reason": "BOGUS"}, "remove: a wrong value.*BOGUS"),
        ("silent_join", {"seconds": []}, r"seconds is \[\], not float"),
    ],
)
async def test_options_that_a_fault_does_not_take(
    sim: Simulator, name: str, options: dict[str, object], problem: str
) -> None:
    async with AkoolClient("any", base_url=sim.url) as akool:
        await akool.sessions.create(AVATAR, stream_type="livekit")
        with pytest.raises(InvalidParameterError, match=problem):
            await call(PORT, "fault", name=name, options=options)
        await akool.sessions.close_all()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"port": 1}',
        '{"port": "x", "token": "x"}',
        '{"port": true, "token": "x"}',
        '{"port": 99999, "token": "x"}',
        '{"port": 1, "token": 5}',
        '{"port": 1, "token": "x\\ny"}',
        "[" * 100_000,
    ],
)
async def test_a_file_that_no_simulator_wrote(folder, text: str) -> None:
    folder.mkdir(mode=0o700)
    path = folder / f"simulator-{PORT}.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"can't be read: .* Remove it") as caught:
        await call(PORT, "sessions")
    assert str(path) in str(caught.value)


async def test_another_program_has_the_port_of_one_that_was_killed(sim: Simulator, folder) -> None:
    [path] = folder.iterdir()
    mine = json.loads(path.read_text())
    for place in (mine | {"token": "another"}, mine | {"port": urlsplit(sim.url).port}):
        path.write_text(json.dumps(place))
        with pytest.raises(ConfigurationError, match="No simulator of yours"):
            await call(PORT, "sessions")


async def dropped(*_: object, **__: object) -> None:
    """The answer's connection breaks, as when the process is killed."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def test_only_who_may_read_the_file_controls_it(sim: Simulator, folder) -> None:
    [path] = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    place = json.loads(path.read_text())
    async with aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{place['port']}/sessions"
        for headers in ({}, {"Authorization": "Bearer guessed"}):
            async with http.post(url, json={}, headers=headers) as response:
                assert response.status == 401
                assert place["token"] not in await response.text()


async def test_no_simulator(folder) -> None:
    with pytest.raises(ConfigurationError, match="akool simulator"):
        await call(PORT, "sessions")
    async with Simulator() as sim, ControlServer(sim, PORT):
        [path] = folder.iterdir()
        left = path.read_text()
    assert list(folder.iterdir()) == []
    path.write_text(left)  # as after a kill
    with pytest.raises(ConfigurationError, match="No simulator of yours runs on port 8787"):
        await call(PORT, "sessions")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no modes of files")
async def test_a_folder_that_others_can_read_is_refused(folder) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    async with Simulator() as sim:
        with pytest.raises(ConfigurationError, match="chmod 700"):
            async with ControlServer(sim, PORT):
                pytest.fail("entered")
