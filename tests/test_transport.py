"""`akool_async.transport`: the inbox, discovery by entry point, install lines."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

import akool_async.transport.discovery as module
from akool_async.errors import (
    ConfigurationError,
    DisconnectedError,
    InvalidParameterError,
    MissingDependencyError,
)
from akool_async.stream.limits import PacketLimits
from akool_async.transport import (
    ConnectionChange,
    ConnectionState,
    Inbox,
    JoinTarget,
    Transport,
    TransportStats,
    available_transports,
    load_transport,
)

GONE = DisconnectedError("the room is gone", reason="room_closed", retryable=True)


class Nowhere(Transport):
    """The least that a transport has to have."""

    name = "nowhere"
    limits = PacketLimits(1000)

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        self.stats = TransportStats()

    async def connect(self, *, timeout: float) -> None: ...

    async def send(self, packet: bytes, *, timeout: float) -> None: ...

    async def receive(self) -> bytes | ConnectionChange:
        return b""

    async def close(self, *, timeout: float = 5.0) -> None: ...


# Inbox


async def test_inbox_hands_out_in_order_packets_and_changes_alike() -> None:
    stats = TransportStats()
    inbox = Inbox(stats)
    change = ConnectionChange(ConnectionState.RECONNECTING)
    for item in (b"a", change, b"bc"):
        inbox.put(item)
    assert [await inbox.get() for _ in range(3)] == [b"a", change, b"bc"]
    assert (stats.packets_received, stats.bytes_received) == (2, 3)


async def test_inbox_wakes_a_waiting_reader() -> None:
    inbox = Inbox(TransportStats())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put(b"late")
    assert await reader == b"late"


async def test_inbox_cancelled_reader_loses_nothing() -> None:
    inbox = Inbox(TransportStats())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put(b"kept")  # the reader is awake, and cancelled before it runs
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await inbox.get() == b"kept"


async def test_inbox_full_drops_the_oldest_packets_never_changes() -> None:
    stats = TransportStats()
    inbox = Inbox(stats, max_packets=2)
    change = ConnectionChange(ConnectionState.AVATAR_LEFT)
    for item in (change, b"1", b"2", b"3"):
        inbox.put(item)
    assert [await inbox.get() for _ in range(3)] == [change, b"2", b"3"]
    assert stats.dropped == {"overflow": 1}
    assert stats.packets_received == 3


async def test_inbox_is_bounded_in_bytes_but_keeps_one_packet_of_any_size() -> None:
    stats = TransportStats()
    inbox = Inbox(stats, max_bytes=10)
    inbox.put(b"x" * 8)
    inbox.put(b"y" * 20)
    assert await inbox.get() == b"y" * 20
    assert stats.dropped == {"overflow": 1}


async def test_inbox_finished_hands_out_the_rest_then_raises_again_and_again() -> None:
    inbox = Inbox(TransportStats())
    inbox.put(b"last")
    assert inbox.error is None
    inbox.finish(GONE)
    inbox.finish(DisconnectedError("later", reason="closed"))
    inbox.put(b"too late")
    assert inbox.finished
    assert inbox.error is GONE
    assert await inbox.get() == b"last"
    raised = []
    for _ in range(2):
        with pytest.raises(DisconnectedError, match="the room is gone") as caught:
            await inbox.get()
        raised.append(caught.value)
    assert raised[0] is not raised[1]
    assert [(e.reason, e.retryable) for e in raised] == [("room_closed", True)] * 2


async def test_inbox_finish_wakes_a_waiting_reader() -> None:
    inbox = Inbox(TransportStats())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.finish(GONE)
    with pytest.raises(DisconnectedError):
        await reader


async def test_inbox_refuses_a_second_reader() -> None:
    inbox = Inbox(TransportStats())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="already awaited"):
        await inbox.get()
    inbox.put(b"one")
    assert await reader == b"one"


# Defaults of the contract


def test_preflight_takes_no_options_unless_overridden() -> None:
    Nowhere.preflight({})
    with pytest.raises(InvalidParameterError, match="speed: the nowhere transport takes no such"):
        Nowhere.preflight({"speed": 1})


async def test_reconnect_says_it_cannot_unless_overridden() -> None:
    transport = Nowhere(None, {})  # type: ignore[arg-type]
    with pytest.raises(DisconnectedError, match="nowhere room fell silent") as caught:
        await transport.reconnect(timeout=1)
    assert caught.value.reason == "silent"


# Finding transports


def _entries(monkeypatch: pytest.MonkeyPatch, **entries: str) -> None:
    """These entry points and no others."""
    made = EntryPoints(EntryPoint(n, v, module.GROUP) for n, v in entries.items())
    monkeypatch.setattr(module, "entry_points", made.select)


def test_the_projects_own_transports_are_installed() -> None:
    assert {"livekit", "chatroom", "agora", "trtc"} <= set(available_transports())
    assert available_transports()["livekit"] == "akool_livekit:LiveKitTransport"


@pytest.mark.parametrize("name", ["livekit", "chatroom", "agora", "trtc"])
def test_one_of_ours_that_is_missing_names_its_install_line(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _entries(monkeypatch)
    with pytest.raises(MissingDependencyError) as caught:
        load_transport(name)
    assert caught.value.install == f'pip install "akool-async[{name}]"'
    assert caught.value.install in str(caught.value)


def test_a_name_nobody_provides_lists_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
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
    source = Path(__file__).parent / "samples" / "third_party"
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
