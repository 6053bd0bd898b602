"""A scripted service and a client of it, for the tests of everything REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse
from aioresponses import aioresponses
from scripted import Scripted
from session_service import SessionService

from akool_async.client import AkoolClient

if TYPE_CHECKING:
    from akool_async.simulator import Simulator

KEY = "test-key-0123456789abcdef"


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Scripted]:
    """A real HTTP server that answers what the test puts in."""
    async with Scripted().running() as scripted:
        yield scripted


@pytest_asyncio.fixture
async def client(service: Scripted, secret: Callable[[str], str]) -> AsyncIterator[AkoolClient]:
    """A client of the scripted service that doesn't pause between tries."""
    async with AkoolClient(secret(KEY), base_url=service.url) as owner:
        yield owner.with_options(backoff=0.0)


@pytest_asyncio.fixture
async def sessions() -> AsyncIterator[SessionService]:
    """A service that opens and closes sessions, and nothing else."""
    async with SessionService().running() as service:
        yield service


@pytest_asyncio.fixture
async def akool(sessions: SessionService) -> AsyncIterator[AkoolClient]:
    """A client of `sessions`."""
    async with AkoolClient("any-key-1234", base_url=sessions.url) as client:
        yield client


@pytest_asyncio.fixture
async def busy_sim() -> AsyncIterator[Simulator]:
    """A simulator whose avatars are for one session at a time; what is left open is closed."""
    from akool_async.simulator import ServiceBehavior, Simulator  # few tests need it

    behavior = ServiceBehavior(one_session_per_avatar=True, answers_avatar_id=True)
    async with Simulator(behavior=behavior) as simulator:
        yield simulator
        async with AkoolClient("any", base_url=simulator.url) as other:
            await other.sessions.close_all()


@pytest_asyncio.fixture
async def busy_akool(busy_sim: Simulator) -> AsyncIterator[AkoolClient]:
    """A client of `busy_sim`."""
    async with AkoolClient("any", base_url=busy_sim.url) as client:
        yield client


@pytest_asyncio.fixture
async def avatar_ids(busy_akool: AkoolClient) -> list[str]:
    """Three avatars of `busy_sim`."""
    found = [avatar.avatar_id async for avatar in busy_akool.avatars.list() if avatar.available]
    return [avatar_id for avatar_id in found if avatar_id][:3]


class _Response(ClientResponse):
    """What aioresponses 0.7.9 leaves out, and aiohttp 3.14 looks at."""

    def __init__(self, *args: Any, **named: Any) -> None:
        named.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **named)


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., aioresponses]]:
    """`elsewhere(method, url, **answer)`: answers for hosts that a test can't be.

    For what depends on the host's name alone; everything else talks to a real server.
    """
    with aioresponses() as mocked:

        def answer(method: str, url: str, **more: Any) -> aioresponses:
            mocked.add(url, method, response_class=_Response, **more)
            return mocked

        yield answer
