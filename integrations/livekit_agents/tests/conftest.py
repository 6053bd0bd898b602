"""An agent without any cloud: a real AgentSession, a real livekit-server, a simulated service."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from livekit import api, rtc
from livekit.agents import AgentSession
from real_livekit import server_from_environment
from scripted_agent import scripted_session
from simulated_service import akool, sim

__all__ = ["akool", "sim"]

_numbers = itertools.count()


@pytest_asyncio.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[rtc.Room]:
    """The agent's, connected; the server's address and keys are in the environment."""
    server = server_from_environment()
    assert server is not None, "run by tests/livekit/server.py"
    url = server.url.replace("http", "ws", 1)
    monkeypatch.setenv("LIVEKIT_URL", url)
    monkeypatch.setenv("LIVEKIT_API_KEY", server.api_key)
    monkeypatch.setenv("LIVEKIT_API_SECRET", server.api_secret)
    grants = api.VideoGrants(room_join=True, room=f"agents-{os.getpid()}-{next(_numbers)}")
    token = api.AccessToken(server.api_key, server.api_secret).with_identity("agent")
    room = rtc.Room()
    await room.connect(url, token.with_grants(grants).with_kind("agent").to_jwt())
    yield room
    await room.disconnect()


@pytest_asyncio.fixture
async def agent() -> AsyncIterator[AgentSession[Any]]:
    session = scripted_session("Hello there, how are you?", 1.0)
    yield session
    await asyncio.wait_for(session.aclose(), 20)
