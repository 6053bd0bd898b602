from __future__ import annotations

import json

import pytest

from akool_async import AkoolClient
from akool_async.cli import remote
from akool_async.cli.remote import Where
from akool_async.errors import InvalidParameterError
from akool_async.simulator import Simulator
from akool_async.simulator.remote import ControlServer

AVATAR = "dvp_Tristan_cloth2_1080P"


async def test_what_is_printed(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with (
        Simulator(queue_time=0.0) as sim,
        ControlServer(sim, 8787),
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type="trtc") as avatar,
    ):
        session_id = avatar.info.session_id
        assert await remote.hear(Where(), "hello", None) == 0
        assert session_id in capsys.readouterr().out
        assert await remote.fault(Where(), "silence", ["seconds=0.1"], session_id) == 0
        capsys.readouterr()
        options = ["code=text"]
        assert await remote.fault(Where(as_json=True), "refuse_joins", options, session_id) == 0
        [item] = json.loads(capsys.readouterr().out)["items"]
        assert item.keys() == {"_id", "version", "status", "stream_type", "avatar_id", "age"}
        assert await remote.sessions(Where()) == 0
        printed = capsys.readouterr().out
        assert "running" in printed
        assert AVATAR in printed
        with pytest.raises(InvalidParameterError, match="seconds=2"):
            await remote.fault(Where(), "silence", ["0.1"], None)
