import pytest

from akool_async.cli import transports
from akool_async.cli.transports import check_transports, show_transports
from akool_async.errors import MissingDependencyError


async def test_what_is_installed(run):
    status, command = await run("transports", "--json")
    assert status == 0
    states = {item["transport"]: item for item in command.items}
    assert set(states) == {"livekit", "agora", "trtc", "chatroom"}
    assert all(item["installed"] for item in states.values())
    assert states["livekit"]["usable"]
    assert states["chatroom"]["usable"]
    # Without a service on this machine, these need an engine of the vendor's.
    assert states["trtc"]["problem"]


def test_what_is_not_installed_has_the_line_that_installs_it(monkeypatch):
    install = 'pip install "akool-async[livekit]"'

    def missing(name):
        raise MissingDependencyError(f"No transport named {name!r}.", install=install)

    monkeypatch.setattr(transports, "load_transport", missing)
    monkeypatch.setattr(transports, "available_transports", dict)
    states = check_transports()
    assert [state.name for state in states] == ["livekit", "agora", "trtc", "chatroom"]
    assert not any(state.installed or state.usable for state in states)
    assert states[0].install == install


async def test_everything_at_once_is_named_below_the_table(monkeypatch, capsys):
    def missing(name):
        raise MissingDependencyError("Not here.", install=f'pip install "akool-async[{name}]"')

    monkeypatch.setattr(transports, "load_transport", missing)
    assert await show_transports(as_json=False) == 0
    noted = capsys.readouterr().err
    assert noted.endswith('everything at once: pip install "akool-async[all]"\n')


@pytest.mark.parametrize("arguments", [(), ("--json",)])
async def test_it_needs_no_key(run, arguments):
    status, _ = await run("transports", *arguments, key=None)
    assert status == 0
