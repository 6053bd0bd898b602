"""Discovery by entry point, and install lines."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from akool_livekit import LiveKitTransport

import akool_async.transport.discovery as module
from akool_async.errors import ConfigurationError, MissingDependencyError
from akool_async.transport import available_transports, load_transport

_LIVEKIT = EntryPoint("livekit", "akool_livekit:LiveKitTransport", module.GROUP)


def _entries(monkeypatch: pytest.MonkeyPatch, **entries: str) -> None:
    """These entry points and no others, none of them found so far."""
    made = EntryPoints(EntryPoint(n, v, module.GROUP) for n, v in entries.items())
    monkeypatch.setattr(module, "entry_points", made.select)
    monkeypatch.setattr(module, "_found", {})


def test_the_projects_own_transports_are_installed() -> None:
    assert {"livekit", "chatroom", "agora", "trtc"} <= set(available_transports())
    assert available_transports()["livekit"] == "akool_livekit:LiveKitTransport"


def test_each_is_looked_for_once_and_what_is_not_there_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _entries(monkeypatch)
    with pytest.raises(MissingDependencyError):
        load_transport("livekit")
    monkeypatch.setattr(module, "entry_points", EntryPoints([_LIVEKIT]).select)
    assert load_transport("livekit") is LiveKitTransport
    monkeypatch.setattr(module, "entry_points", None)
    assert load_transport("livekit") is LiveKitTransport


@pytest.mark.parametrize("name", ["livekit", "chatroom", "agora", "trtc"])
def test_one_of_ours_that_is_missing_names_its_install_line(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _entries(monkeypatch)
    with pytest.raises(MissingDependencyError) as caught:
        load_transport(name)
    assert caught.value.install == f'pip install "akool-async[{name}]"'
    assert caught.value.install in str(caught.value)


def test_a_name_no_one_provides_lists_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    _entries(monkeypatch, pigeon="pigeons:Pigeon", livekit="akool_livekit:LiveKitTransport")
    with pytest.raises(ConfigurationError, match="installed: livekit, pigeon") as caught:
        load_transport("smoke-signals")
    assert not isinstance(caught.value, MissingDependencyError)
    assert "akool_async.transports" in str(caught.value)


def test_a_broken_one_of_ours_says_so_with_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _entries(monkeypatch, trtc="no_such_module_here:Transport")
    with pytest.raises(MissingDependencyError, match="no_such_module_here") as caught:
        load_transport("trtc")
    assert caught.value.install == 'pip install "akool-async[trtc]"'
    assert isinstance(caught.value.__cause__, ImportError)


def test_a_broken_one_of_others_has_no_install_line_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _entries(monkeypatch, pigeon="no_such_module_here:Pigeon")
    with pytest.raises(MissingDependencyError) as caught:
        load_transport("pigeon")
    assert caught.value.install is None


@pytest.mark.parametrize("value", ["pathlib:Path", "os:getcwd"])
def test_what_is_no_transport_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    _entries(monkeypatch, odd=value)
    with pytest.raises(ConfigurationError, match="isn't a subclass of Transport"):
        load_transport("odd")


# A third party's


def _uv(*args: str | Path, cwd: Path) -> None:
    environment = {**os.environ, "UV_OFFLINE": "1", "UV_NO_CONFIG": "1"}
    command = [sys.executable, "-m", "uv", *map(str, args)]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_third_partys_transport_is_built_installed_and_found(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "samples" / "third_party"
    site = tmp_path / "site"
    _uv("build", "--wheel", "--out-dir", tmp_path / "dist", source, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    _uv("pip", "install", "--no-deps", "--target", site, wheel, cwd=tmp_path)
    program = (
        "import asyncio\n"
        "from akool_async.transport import JoinTarget, available_transports, load_transport\n"
        "from akool_async.models.credentials import AgoraCredentials\n"
        "assert available_transports()['pigeon'] == 'pigeon_post:PigeonTransport'\n"
        "target = JoinTarget(AgoraCredentials(agora_uid=1, agora_channel='loft'))\n"
        "async def main():\n"
        "    transport = load_transport('pigeon')(target, {})\n"
        "    await transport.connect(timeout=1)\n"
        "    await transport.send(b'coo', timeout=1)\n"
        "    print(await transport.receive())\n"
        "    await transport.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "b'coo'"
