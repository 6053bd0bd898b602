from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import ClassVar

import pytest

import akool_async
from akool_async import AkoolClient, join
from akool_async.errors import (
    ConfigurationError,
    InvalidParameterError,
    JoinError,
    MissingDependencyError,
)
from akool_async.simulator import Simulator
from akool_async.testing.in_memory_room import InMemoryTransport
from akool_async.testing.waiting import until

AVATAR = "dvp_Tristan_cloth2_1080P"
LEGACY = "Kai_1080P_back"


def creations(sim: Simulator) -> int:
    return sum(request.path.endswith("/session/create") for request in sim.requests)


class Stuck(InMemoryTransport):
    """Never joins."""

    name = "stuck"
    joining: ClassVar[list[Stuck]] = []

    async def connect(self, *, timeout: float) -> None:
        self.joining.append(self)
        await asyncio.sleep(3600)


class Refusing(InMemoryTransport):
    """Can't work here, and says so before anything is created."""

    name = "refusing"

    @classmethod
    def preflight(cls, options):
        raise MissingDependencyError("no engine", install="pip install engine")


class Choosy(InMemoryTransport):
    """Doesn't like its credentials."""

    name = "choosy"

    def __init__(self, target, options):
        raise InvalidParameterError("credentials", "of another kind")


@pytest.mark.parametrize("stream_type", ["livekit", "agora", "trtc"])
async def test_the_ten_line_program(stream_type):
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        async with akool.open_session(AVATAR, stream_type=stream_type) as avatar:
            await avatar.set_params(mode=2, language="en")
            reply = await avatar.ask("Hello")
            assert reply.text == "Hello! How can I assist you today?"
            assert avatar.info.session_id in [session.id for session in sim.open_sessions]
        assert list(sim.open_sessions) == []


async def test_a_legacy_session_waits_until_it_runs_and_asks_with_its_options():
    seen = []
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        opening = akool.open_session(
            LEGACY, legacy=True, language="fr", mode=2, on_progress=seen.append
        )
        async with opening as avatar:
            assert [step.session.status for step in seen if step.session][-1] == 2
            reply = await avatar.ask("Bonjour")
            assert reply.text
            assert reply.options is not None
            assert reply.options.language == "fr"
            await avatar.pause()
            assert (await avatar.ask("Bonjour")).text == reply.text
        assert list(sim.open_sessions) == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"transport": "carrier-pigeon"}, ConfigurationError),
        ({"transport": Refusing}, MissingDependencyError),
        ({"transport": 7}, InvalidParameterError),
        ({"transport_options": {"colour": "red"}}, InvalidParameterError),
        ({"duration": 0}, InvalidParameterError),
        ({"stream_type": "flv"}, ConfigurationError),
        ({"colour": "red"}, TypeError),
        ({"legacy": True, "duration": 60}, InvalidParameterError),
    ],
)
async def test_what_cannot_work_is_refused_before_anything_is_created(options, error):
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        with pytest.raises(error):
            async with akool.open_session(AVATAR, **options):
                pytest.fail("opened")
        assert creations(sim) == 0


async def test_a_session_whose_room_cannot_be_joined_is_closed():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        with pytest.raises(InvalidParameterError):
            async with akool.open_session(AVATAR, transport=Choosy):
                pytest.fail("opened")
        assert creations(sim) == 1
        assert list(sim.open_sessions) == []


async def test_cancelled_while_creating_it_closes_what_was_created():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:

        async def use():
            async with akool.open_session(AVATAR):
                pytest.fail("opened")

        sim.fail_next(delay=0.3, path="/api/open/v4/liveAvatar/session/create")
        task = asyncio.create_task(use())
        await until(lambda: creations(sim))
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert creations(sim) == 1
        assert list(sim.open_sessions) == []
        assert len(sim.sessions) == 1


async def test_cancelled_while_joining_it_closes_the_session():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:

        async def use():
            async with akool.open_session(AVATAR, transport=Stuck):
                pytest.fail("opened")

        Stuck.joining.clear()
        task = asyncio.create_task(use())
        await until(lambda: Stuck.joining, "the room being joined")
        assert sim.open_sessions
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(sim.open_sessions) == []


async def test_an_exception_inside_closes_the_session_and_is_passed_on():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        with pytest.raises(ZeroDivisionError):
            async with akool.open_session(AVATAR, stream_type="agora"):
                1 / 0  # noqa: B018
        assert list(sim.open_sessions) == []


async def test_join_takes_a_session_made_elsewhere_and_leaves_it_open():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        session = await akool.sessions.create(AVATAR, stream_type="livekit")
        handed_on = json.loads(json.dumps(session.to_dict(include_secrets=True)))
        async with join(handed_on) as avatar:
            assert (await avatar.ask("Hello")).text
        assert [found.id for found in sim.open_sessions] == [session.id]
        async with join(session) as avatar:
            assert (await avatar.ask("Hello")).text
        await akool.sessions.close(session)


async def test_join_from_the_credentials_alone():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        session = await akool.sessions.create(AVATAR, stream_type="livekit")
        assert session.credentials is not None
        async with join(session.credentials.to_dict(include_secrets=True)) as avatar:
            assert (await avatar.ask("Hello")).text
        await akool.sessions.close(session)


async def test_join_without_credentials_says_why():
    with pytest.raises(JoinError, match="only create's answer holds them"):
        async with join({"_id": "s", "credentials": {}}):
            pytest.fail("joined")
    with pytest.raises(InvalidParameterError, match="str isn't a session"):
        async with join("s"):
            pytest.fail("joined")


def test_importing_loads_neither_vendors_nor_simulator():
    code = "import sys, akool_async; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = out.stdout.split()
    for name in ("livekit", "websockets", "typer", "rich", "aiortc", "akool_async.simulator"):
        assert name not in loaded
    assert not [name for name in loaded if name.startswith(("akool_async.cli.", "akool_livekit"))]


def test_every_public_name_is_there():
    assert len(set(akool_async.__all__)) == len(akool_async.__all__)
    for name in akool_async.__all__:
        assert getattr(akool_async, name) is not None
