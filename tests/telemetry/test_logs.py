from __future__ import annotations

import logging

import pytest

from akool_async import AkoolClient, telemetry
from akool_async.errors import NotFoundError
from akool_async.simulator import Simulator


async def test_a_line_for_each_part_of_a_session_and_each_call(caplog):
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient("key", base_url=service.url, telemetry=telemetry.log()) as akool,
    ):
        with caplog.at_level(logging.INFO, "akool_async.telemetry"):
            async with akool.open_session("dvp_Tristan_cloth2_1080P", stream_type="trtc") as avatar:
                await avatar.ask("Who are you?")
                name = f"session {avatar.info.session_id}: "
            with pytest.raises(NotFoundError):
                await akool.sessions.get("507f1f77bcf86cd799439011")
    lines = [record.getMessage() for record in caplog.records]
    for part in ("akool.create", "akool.join", "akool.question", "akool.close"):
        assert any(line.startswith(f"{name}{part} took ") for line in lines), part
    assert f"{name}over" in lines
    assert any("(NotFoundError)" in line for line in lines)
    assert any(line.startswith("POST ") and "session/create took" in line for line in lines)


def test_durations_are_for_debugging(caplog):
    with caplog.at_level(logging.INFO):
        telemetry.log().begin({}).duration("akool.x", 0.0125, {"a": 1})
    assert not caplog.records
    with caplog.at_level(logging.DEBUG):
        telemetry.log().begin({}).duration("akool.x", 0.0125, {"a": 1})
    assert [record.getMessage() for record in caplog.records] == ["session: akool.x 12 ms a=1"]
