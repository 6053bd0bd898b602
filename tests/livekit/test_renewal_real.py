"""A conversation that goes on over several sessions, in rooms of a real livekit-server."""

from __future__ import annotations

import pytest
from renewing import renew_early, renew_in_the_simulator

from akool_async.simulator import LiveKitServer, ServiceBehavior

pytestmark = pytest.mark.livekit_server


@pytest.mark.parametrize(
    ("limited", "behavior"),
    [(False, "observed"), (True, "observed"), (False, "documented")],
)
async def test_renewals(
    limited: bool, behavior: str, server: LiveKitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew_early(monkeypatch, 3)
    await renew_in_the_simulator(
        limited,
        times=3,
        stream_type="livekit",
        duration=300,
        pace=0.005,
        behavior=ServiceBehavior.load(behavior),
        livekit=server,
    )
