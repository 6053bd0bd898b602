import json
import signal

import pytest

from akool_async.cli.probe import ProbeOptions, probe
from akool_async.errors import ConfigurationError, InvalidParameterError
from akool_async.simulator import ServiceBehavior, Simulator


@pytest.fixture
def account(akool_simulator, monkeypatch):
    monkeypatch.setenv("AKOOL_API_KEY", "key")
    monkeypatch.setenv("AKOOL_API_URL", akool_simulator.url)
    return akool_simulator


@pytest.fixture
def akool_simulator_options():
    return {"behavior": "default_mode=1", "pace": 0.05, "queue_time": 0.0}


@pytest.mark.virtual_clock
async def test_it_prints_a_table_and_writes_the_file(account, tmp_path, capsys):
    path = tmp_path / "behavior.json"
    wanted = ProbeOptions(stream_type="agora", yes=True, output=str(path), url=account.url)
    assert await probe(wanted) == 0
    output = capsys.readouterr().out
    assert "uses the credits of 90 s at most" in output
    assert "a question, without a mode …" in output
    row = next(line for line in output.splitlines() if "Which mode has a session" in line)
    assert [cell.strip() for cell in row.split("│")[2:-1]] == [
        "1 (retelling)", "2 (dialogue)", "NO",
    ]  # fmt: skip
    assert json.loads(path.read_text())["default_mode"] == 1
    assert ServiceBehavior.load(str(path)).default_mode == 1
    assert Simulator(behavior=str(path)) is not None
    assert account.open_sessions == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"output": "behavior.yaml"}, "--output"),
        ({"output": "/nowhere/at/all.json"}, "--output"),
        ({"microphone": True, "speech": "hello.wav"}, "--speech"),
        ({"microphone": True, "stream_type": "trtc"}, "--microphone"),
        ({"speech": "hello.wav", "legacy": True}, "--speech"),
        ({"stream_type": "skype"}, "stream_type"),
    ],
)
async def test_wrong_options_are_refused_before_anything_is_paid(account, options, field):
    with pytest.raises(InvalidParameterError) as refused:
        await probe(ProbeOptions(yes=True, url=account.url, **options))
    assert refused.value.field == field
    assert len(account.requests) == 0


async def test_without_a_terminal_it_needs_yes(account, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigurationError, match="Give --yes"):
        await probe(ProbeOptions(stream_type="agora", url=account.url))
    assert len(account.requests) == 0


async def test_it_asks_and_ctrl_c_closes_the_session(terminal, akool_simulator):
    shown = await terminal("probe", "--stream-type", "agora")
    await shown.showed("Go on? [y/N]")
    assert not akool_simulator.sessions
    shown.type("y\n")
    await shown.showed("a question, without a mode")
    assert len(akool_simulator.open_sessions) == 1
    shown.process.send_signal(signal.SIGINT)
    assert await shown.process.wait() == 130
    assert akool_simulator.open_sessions == []
    assert "switches are in" not in shown.shown
