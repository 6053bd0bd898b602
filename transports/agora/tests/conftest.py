"""The SDK's stand-in, installed; whatever a test did with it, nothing of it is left."""

from collections.abc import Iterator
from pathlib import Path

import fake_agora
import pytest


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_agora.Sdk]:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with fake_agora.installed(tmp_path) as state:
        yield state
    assert state.violations == []
    assert all(connection.released for connection in state.connections)
    assert all(service.released for service in state.services)
