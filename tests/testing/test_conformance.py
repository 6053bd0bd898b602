"""The conformance suite finds what a transport does wrong; in a project of someone else's."""

from __future__ import annotations

import re
import subprocess
import sys
from operator import itemgetter

import pytest

#: A transport and its room in one process, with places for a flaw.
PROJECT = """
import pytest, pytest_asyncio
from akool_async.errors import DisconnectedError, MessageTooLargeError
from akool_async.models.credentials import ChatRoomCredentials
from akool_async.testing.conformance import RemotePeer, TransportConformance
from akool_async.transport import Inbox, JoinTarget, PacketLimits, Transport, TransportStats

ROOM = {}

class Tin(Transport):
    name = "tin"
    limits = PacketLimits(500)

    def __init__(self, target, options):
        self.preflight(options)
        from akool_async.errors import InvalidParameterError
        if target.credentials.kind != "chatroom":
            raise InvalidParameterError("credentials", "of another kind")
        self.stats = TransportStats()
        self.inbox = Inbox(self.stats)

    async def connect(self, *, timeout):
        ROOM["transport"] = self

    async def send(self, packet, *, timeout):
        if self.inbox.error:
            raise DisconnectedError("gone", reason=self.inbox.error.reason)
        if len(packet) > 500:
            raise MessageTooLargeError("packet", "too large", size=len(packet), limit=500)
        self.stats.packets_sent += 1
        self.stats.bytes_sent += len(packet)
        ROOM["far"].append(packet)

    async def receive(self):
        return await self.inbox.get()

    async def close(self, *, timeout=5.0):
        self.inbox.finish(DisconnectedError("closed", reason="closed"))

class Far(RemotePeer):
    def __init__(self):
        ROOM["far"] = []
    target = JoinTarget(ChatRoomCredentials(
        client_chat_room_url="wss://a-secret-of-the-room", client_id="c", server_id="s"))
    @property
    def received(self):
        return ROOM["far"]
    async def send(self, packet):
        ROOM["transport"].inbox.put(packet)
    async def end(self):
        ROOM["transport"].inbox.finish(DisconnectedError("over", reason="room_closed"))

%s

class TestTin(TransportConformance):
    transport = Tin

    @pytest_asyncio.fixture
    async def room(self):
        yield Far()

    async def test_is_found_by_its_name(self):
        pytest.skip("not installed")
"""

CUTS_PACKETS = """
right = Tin.send
async def send(self, packet, *, timeout):
    await right(self, packet[:450] if len(packet) <= 500 else packet, timeout=timeout)
Tin.send = send
"""
REFUSES_NOTHING = """
async def send(self, packet, *, timeout):
    if self.inbox.error:
        raise DisconnectedError("gone", reason=self.inbox.error.reason)
    ROOM["far"].append(packet)
Tin.send = send
"""
SENDS_AFTER_CLOSE = """
async def send(self, packet, *, timeout):
    ROOM["far"].append(packet)
Tin.send = send
"""
SHOWS_ITS_SECRET = """
Tin.__repr__ = lambda self: "wss://a-secret-of-the-room"
"""
LOSES_WHAT_A_CANCELLED_RECEIVE_HAD = """
import asyncio
@pytest.fixture(autouse=True)
def short(monkeypatch):
    for module in ("remote_peer", "conformance"):
        monkeypatch.setattr(f"akool_async.testing.{module}.TIMEOUT", 2)
async def receive(self):
    return await asyncio.shield(asyncio.ensure_future(self.inbox.get()))
Tin.receive = receive
"""
LEAVES_A_TASK = """
import asyncio
async def forever():
    await asyncio.Event().wait()
async def connect(self, *, timeout):
    ROOM["transport"] = self
    self.task = asyncio.create_task(forever())
Tin.connect = connect
"""
#: A flaw, and the test that has to find it.
FLAWS = {
    CUTS_PACKETS: "test_the_largest_packet_passes_both_ways",
    REFUSES_NOTHING: "test_a_packet_too_large_is_refused_and_the_room_lives_on",
    SENDS_AFTER_CLOSE: "test_after_close_everything_says_closed",
    SHOWS_ITS_SECRET: "test_secrets_are_in_no_repr",
    LOSES_WHAT_A_CANCELLED_RECEIVE_HAD: "test_a_cancelled_receive_loses_nothing",
    LEAVES_A_TASK: "test_leaves_no_task_behind",
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One run over a package with the right transport and one for each flaw."""
    folder = tmp_path_factory.mktemp("tin")
    for name, flaw in {"right": "", **{finder: flaw for flaw, finder in FLAWS.items()}}.items():
        package = folder / f"tin_{name}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "test_tin.py").write_text(PROJECT % flaw, encoding="utf-8")
    # The strict mode of pytest-asyncio, as someone else's project may have it.
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.stdout


def _outcomes(output: str, name: str) -> dict[str, str]:
    """Each test of a transport -> PASSED, FAILED or SKIPPED."""
    found = re.findall(rf"^tin_{name}/\S+::(\w+)(?:\[.*\])? ([A-Z]+)", output, re.MULTILINE)
    # Of a test with several cases the worst one counts.
    return dict(sorted(found, key=itemgetter(1), reverse=True))


@pytest.mark.slow
def test_a_right_one_passes(output: str) -> None:
    outcomes = _outcomes(output, "right")
    # What its room can't do is skipped, and said.
    assert set(outcomes.values()) == {"PASSED", "SKIPPED"}, output


@pytest.mark.slow
@pytest.mark.parametrize("finder", FLAWS.values())
def test_a_flaw_is_found(output: str, finder: str) -> None:
    outcomes = _outcomes(output, finder)
    assert outcomes[finder] == "FAILED", output
