"""A scripted service and a client of it, for the tests of everything REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest_asyncio
from scripted import Scripted

from akool_async.client import AkoolClient

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
