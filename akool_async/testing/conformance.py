"""The conformance suite of `akool_async.transport.Transport`, for every transport there is.

A transport's author subclasses `TransportConformance` in a test module, names the class under test
and overrides the fixture `room` to give a `RemotePeer`: the room seen from the avatar's end.

    class TestMyTransport(TransportConformance):
        transport = MyTransport

        @pytest_asyncio.fixture
        async def room(self):
            async with MyRemotePeer() as room:
                yield room

Everything is awaited with generous limits (`TIMEOUT` seconds); nothing is timed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from akool_async.errors import (
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinRefusedError,
    JoinTimeoutError,
    MessageTooLargeError,
    SendError,
)
from akool_async.models.credentials import AgoraCredentials, Credentials, TRTCCredentials
from akool_async.testing.remote_peer import RemotePeer, next_packet, the_end
from akool_async.testing.waiting import TIMEOUT, until
from akool_async.transport import (
    ConnectionChange,
    ConnectionState,
    JoinTarget,
    Transport,
    load_transport,
)

__all__ = ["TIMEOUT", "RemotePeer", "TransportConformance", "next_packet", "the_end", "until"]


class TransportConformance:
    """What every transport does, as `Transport` promises it."""

    pytestmark = pytest.mark.asyncio

    #: The class under test.
    transport: ClassVar[type[Transport]]
    #: `transport_options` to make it with.
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def room(self) -> RemotePeer:
        """To be overridden: an open room."""
        raise NotImplementedError("override the fixture `room`")

    def make(self, room: RemotePeer) -> Transport:
        """A transport that wasn't connected yet."""
        return self.transport(room.target, self.options)

    @asynccontextmanager
    async def joined(self, room: RemotePeer) -> AsyncIterator[Transport]:
        """A connected transport, closed whatever happens."""
        transport = self.make(room)
        try:
            await transport.connect(timeout=TIMEOUT)
            yield transport
        finally:
            await transport.close()

    async def pause(self, transport: Transport) -> None:
        """Keeps to the pace that the transport declares, as the sender above it does."""
        limits = transport.limits
        rates = [1 / limits.packets_per_second] if limits.packets_per_second else []
        if limits.bytes_per_second:
            rates.append(limits.max_bytes / limits.bytes_per_second)
        if rates:
            await asyncio.sleep(max(rates) * 1.05)

    # What it is

    async def test_is_found_by_its_name(self) -> None:
        assert load_transport(self.transport.name) is self.transport

    async def test_declares_its_dialect_and_limits(self, room: RemotePeer) -> None:
        transport = self.make(room)
        assert transport.dialect in ("v2", "v3")
        assert transport.limits.max_bytes >= 200
        assert (transport.stats.packets_sent, transport.stats.packets_received) == (0, 0)
        await transport.close()

    async def test_preflight_takes_its_own_options_only(self) -> None:
        self.transport.preflight(self.options)
        with pytest.raises(InvalidParameterError, match="no_such_option"):
            self.transport.preflight({**self.options, "no_such_option": 1})

    async def test_refuses_credentials_of_another_kind(self, room: RemotePeer) -> None:
        others: list[Credentials] = [
            AgoraCredentials(agora_uid=1, agora_channel="c", agora_token=SecretStr("t")),
            TRTCCredentials.model_validate(
                {"trtc_app_id": 1, "trtc_room_id": "r", "trtc_user_id": "u", "trtc_user_sig": "s"}
            ),
        ]
        other = next(c for c in others if c.kind != room.target.credentials.kind)
        with pytest.raises(InvalidParameterError):
            self.transport(JoinTarget(other), self.options)

    async def test_secrets_are_in_no_repr(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            shown = (
                repr(transport) + repr(vars(transport)) if hasattr(transport, "__dict__") else ""
            )
        for secret in _secrets(room.target.credentials):
            assert secret not in shown + repr(room.target)

    # Packets

    async def test_what_is_sent_right_after_connecting_arrives(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            await transport.send(b'{"n":"first"}', timeout=TIMEOUT)
            assert await room.wait_received(1) == [b'{"n":"first"}']

    async def test_bytes_come_as_they_were_sent(self, room: RemotePeer) -> None:
        packet = '{"text":"héllo 你好 😀 \\u0000 \\n"}'.encode()
        async with self.joined(room) as transport:
            await room.send(packet)
            assert await next_packet(transport) == packet
            await transport.send(packet, timeout=TIMEOUT)
            assert await room.wait_received(1) == [packet]

    async def test_the_largest_packet_passes_both_ways(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            packet = _packet(0, transport.limits.max_bytes)
            await transport.send(packet, timeout=TIMEOUT)
            assert await room.wait_received(1) == [packet]
            await room.send(packet)
            assert await next_packet(transport) == packet

    async def test_packets_keep_their_order(self, room: RemotePeer) -> None:
        packets = [_packet(n) for n in range(20)]
        async with self.joined(room) as transport:
            for packet in packets:
                await transport.send(packet, timeout=TIMEOUT)
                await self.pause(transport)
            there = await room.wait_received(len(packets))
            for packet in packets:
                await room.send(packet)
                await self.pause(transport)
            here = [await next_packet(transport) for _ in packets]
        if not transport.limits.ordered:
            there, here = sorted(there), sorted(here)
            packets.sort()
        assert there == packets
        assert here == packets

    async def test_a_packet_too_large_is_refused_and_the_room_lives_on(
        self, room: RemotePeer
    ) -> None:
        async with self.joined(room) as transport:
            with pytest.raises((SendError, MessageTooLargeError)):
                await transport.send(_packet(0, transport.limits.max_bytes + 1), timeout=TIMEOUT)
            await transport.send(b'{"n":1}', timeout=TIMEOUT)
            assert await room.wait_received(1) == [b'{"n":1}']
            assert transport.stats.packets_sent == 1

    async def test_counts_packets_and_bytes(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            await transport.send(b'{"n":12}', timeout=TIMEOUT)
            await room.send(b'{"n":345}')
            await next_packet(transport)
            stats = transport.stats
        assert (stats.packets_sent, stats.bytes_sent) == (1, 8)
        assert (stats.packets_received, stats.bytes_received) == (1, 9)

    async def test_a_cancelled_receive_loses_nothing(self, room: RemotePeer) -> None:
        packets = [_packet(n) for n in range(10)]
        got: list[bytes] = []
        async with self.joined(room) as transport:
            for packet in packets:
                waiting = asyncio.create_task(transport.receive())
                await asyncio.sleep(0)
                waiting.cancel()
                await room.send(packet)
                with suppress(asyncio.CancelledError):
                    if isinstance(item := await waiting, bytes):
                        got.append(item)
                await self.pause(transport)
            while len(got) < len(packets):
                got.append(await next_packet(transport))
        assert sorted(got) == packets

    # What the avatar publishes: optional, `avatar_publishing` may stay `None`

    async def test_publishing_is_reported_in_its_place(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            await room.send(b'{"n":1}')
            assert await next_packet(transport) == b'{"n":1}'
            await room.publish()
            assert (await _next_change(transport)).state is ConnectionState.AVATAR_PUBLISHED
            assert transport.avatar_publishing is True

    async def test_publishing_before_the_join_is_known_after_it(self, room: RemotePeer) -> None:
        await room.publish()
        async with self.joined(room) as transport:
            if not transport.avatar_publishing:  # it may be known a moment later
                assert (await _next_change(transport)).state is ConnectionState.AVATAR_PUBLISHED
            known = transport.avatar_publishing
        assert known is True

    # The end

    async def test_close_before_connect_and_twice(self, room: RemotePeer) -> None:
        transport = self.make(room)
        await transport.close()
        await transport.close()
        assert (await the_end(transport)).reason == "closed"

    async def test_close_twice_at_once(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            await asyncio.gather(transport.close(), transport.close())

    async def test_leaves_no_task_behind(self, room: RemotePeer) -> None:
        before = asyncio.all_tasks()
        async with self.joined(room) as transport:
            await transport.send(b'{"n":1}', timeout=TIMEOUT)
            await room.wait_received(1)
        own = {t for t in asyncio.all_tasks() - before if _belongs_to(t, self.transport)}
        assert own == set()

    async def test_after_close_everything_says_closed(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            await transport.close()
            with pytest.raises(DisconnectedError) as raised:
                await transport.send(b'{"n":1}', timeout=TIMEOUT)
            assert raised.value.reason == "closed"
            for _ in range(3):
                assert (await the_end(transport)).reason == "closed"

    async def test_what_came_before_the_end_is_handed_out(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            await room.send(b'{"n":1}')
            await until(lambda: transport.stats.packets_received == 1, "a packet")
            await transport.close()
            assert await next_packet(transport) == b'{"n":1}'
            assert (await the_end(transport)).reason == "closed"

    async def test_close_wakes_whoever_receives(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            ended = asyncio.create_task(the_end(transport))
            await asyncio.sleep(0)
            await transport.close()
            assert (await ended).reason == "closed"

    async def test_the_room_ends(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            await room.end()
            error = await the_end(transport)
            assert error.reason not in ("", "closed")
            with pytest.raises(DisconnectedError):
                await transport.send(b'{"n":1}', timeout=TIMEOUT)

    # Faults

    async def test_a_broken_connection_is_restored_or_reported(self, room: RemotePeer) -> None:
        async with self.joined(room) as transport:
            await room.drop()
            changes: list[ConnectionState] = []
            try:
                async with asyncio.timeout(TIMEOUT):
                    while ConnectionState.RECONNECTED not in changes:
                        item = await transport.receive()
                        if isinstance(item, ConnectionChange):
                            changes.append(item.state)
            except DisconnectedError as error:
                assert error.reason not in ("", "closed")  # noqa: PT017 - either way is fine
                return
            assert ConnectionState.RECONNECTING in changes
            await transport.send(b'{"n":"again"}', timeout=TIMEOUT)
            await until(lambda: b'{"n":"again"}' in room.received, "the packet at the avatar")
            await room.send(b'{"n":"back"}')
            assert await next_packet(transport) == b'{"n":"back"}'

    async def test_refused_credentials(self, room: RemotePeer) -> None:
        await room.refuse()
        transport = self.make(room)
        with pytest.raises(JoinRefusedError) as raised:
            await transport.connect(timeout=TIMEOUT)
        assert raised.value.retryable is False
        for secret in _secrets(room.target.credentials):
            assert secret not in _chain(raised.value)
        await transport.close()

    async def test_an_unanswered_join_is_given_up_in_time(self, room: RemotePeer) -> None:
        await room.hang()
        transport = self.make(room)
        with pytest.raises((JoinTimeoutError, JoinError)) as raised:
            async with asyncio.timeout(TIMEOUT):
                await transport.connect(timeout=1.0)
        assert raised.value.retryable is True
        await transport.close()

    @pytest.mark.parametrize("steps", [0, 1, 3, 10, 40])
    async def test_a_cancelled_connect_leaves_nothing(self, room: RemotePeer, steps: int) -> None:
        transport = self.make(room)
        before = asyncio.all_tasks()
        connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
        for _ in range(steps):
            await asyncio.sleep(0.001)
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            await connecting
        await transport.close()
        left = asyncio.all_tasks() - before
        assert {t for t in left if _belongs_to(t, self.transport)} == set()
        # The room is free for the next one, whatever state the join was in.
        async with self.joined(room) as again:
            await again.send(b'{"n":"again"}', timeout=TIMEOUT)
            await until(lambda: b'{"n":"again"}' in room.received, "the packet at the avatar")


async def _next_change(transport: Transport) -> ConnectionChange:
    async with asyncio.timeout(TIMEOUT):
        while True:
            item = await transport.receive()
            # Who is in the room may be reported at any moment, where a transport knows it.
            present = ConnectionState.PARTICIPANTS
            if isinstance(item, ConnectionChange) and item.state is not present:
                return item


def _packet(number: int, size: int = 40) -> bytes:
    head = f'{{"n":{number:04},"pad":"'.encode()
    return head + b"x" * (size - len(head) - 2) + b'"}'


def _secrets(credentials: Credentials) -> list[str]:
    values = credentials.model_dump().values()
    return [v.get_secret_value() for v in values if isinstance(v, SecretStr)]


def _chain(error: BaseException | None) -> str:
    text = ""
    while error is not None:
        text += f"{error!r} {error}"
        error = error.__cause__ or error.__context__
    return text


def _belongs_to(task: asyncio.Task[Any], transport: type[Transport]) -> bool:
    """Whether a task runs code of the transport's package; the remote peer's own don't count."""
    code = getattr(task.get_coro(), "cr_code", None)
    package = sys.modules[transport.__module__.partition(".")[0]]
    if code is None:
        return False
    if (folders := getattr(package, "__path__", None)) is not None:
        return any(Path(code.co_filename).is_relative_to(folder) for folder in folders)
    return bool(code.co_filename == package.__file__)
