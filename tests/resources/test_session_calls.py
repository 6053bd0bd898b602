"""What both versions do alike; the calls of each are in its own module."""

from __future__ import annotations

import pytest
from scripted import Scripted, envelope

from akool_async.client import AkoolClient
from akool_async.errors import (
    AkoolError,
    ConflictError,
    InvalidParameterError,
    NotFoundError,
    PermissionDeniedError,
)
from akool_async.resources.legacy_sessions import LegacySessions
from akool_async.resources.sessions import Sessions


@pytest.fixture(params=["sessions", "legacy_sessions"])
def sessions(request: pytest.FixtureRequest, client: AkoolClient) -> Sessions | LegacySessions:
    found: Sessions | LegacySessions = getattr(client, request.param)
    return found


async def test_wrong_values_are_refused_before_any_request(
    service: Scripted, sessions: Sessions | LegacySessions
) -> None:
    for call in (sessions.get, sessions.close):
        with pytest.raises(InvalidParameterError, match=r"^session_id: "):
            await call("")
    with pytest.raises(InvalidParameterError, match=r"^status: "):
        sessions.list(status=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidParameterError, match=r"^size: "):
        sessions.list(size=0)
    assert service.asked == []


@pytest.mark.parametrize("code", [1216, 1219])
async def test_closing_what_has_ended_is_fine(
    service: Scripted, sessions: Sessions | LegacySessions, code: int
) -> None:
    service.answer(envelope(code=code))
    await sessions.close("s1")
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1008, NotFoundError), (1009, PermissionDeniedError), (1010, ConflictError)],
)
async def test_closing_raises_other_errors(
    service: Scripted, sessions: Sessions | LegacySessions, code: int, kind: type[AkoolError]
) -> None:
    service.answer(envelope(code=code))
    with pytest.raises(kind):
        await sessions.close("s1")
