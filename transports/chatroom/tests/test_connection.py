"""Dialling: refusals, silence, TLS, redirects, and what gets into logs."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import traceback

import pytest
from akool_chatroom.connection import SLICE

from akool_async.errors import (
    ConfigurationError,
    JoinError,
    JoinRefusedError,
    JoinTimeoutError,
)
from akool_async.transport import ConnectionState


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_refused(room, status):
    room.answers = [status]
    with pytest.raises(JoinRefusedError, match=f"HTTP {status}") as caught:
        await room.transport().connect(timeout=20)
    assert not caught.value.retryable
    assert room.tries == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_not_ready_may_be_tried_again(room, status):
    room.answers = [status]
    with pytest.raises(JoinError, match=f"isn't ready: HTTP {status}") as caught:
        await room.transport().connect(timeout=20)
    assert caught.value.retryable
    assert not isinstance(caught.value, JoinRefusedError)


async def test_no_one_listens(kit):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    transport = kit.transport_to(f"ws://127.0.0.1:{port}{kit.path}")
    with pytest.raises(JoinError, match="no connection") as caught:
        await transport.connect(timeout=20)
    assert caught.value.retryable
    assert isinstance(caught.value.__cause__, OSError)


async def test_silent_server(kit, silent_port):
    transport = kit.transport_to(f"ws://127.0.0.1:{silent_port}{kit.path}")
    with pytest.raises(JoinTimeoutError, match=r"didn't let us in within 0\.2 s"):
        await transport.connect(timeout=0.2)


async def test_silent_server_with_tls(kit, silent_port):
    transport = kit.transport_to(f"wss://127.0.0.1:{silent_port}{kit.path}")
    with pytest.raises(JoinTimeoutError):
        await transport.connect(timeout=0.2)


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_not_a_websocket(kit, answer):
    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(JoinError):
            await kit.transport_to(f"ws://127.0.0.1:{port}{kit.path}").connect(timeout=20)


async def test_a_redirect_is_not_followed(kit, room):
    seen: list[bytes] = []

    async def handle(reader, writer):
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {room.url}\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(JoinRefusedError, match="elsewhere") as caught:
            await kit.transport_to(f"ws://127.0.0.1:{port}{kit.path}").connect(timeout=20)
    assert len(seen) == 1
    assert room.tries == 0
    assert kit.stream not in str(caught.value)


class TestCertificates:
    async def test_unknown_certificate_is_refused(self, kit, server_tls):
        async with kit.open_room(host="localhost", context=server_tls) as room:
            with pytest.raises(JoinError, match="isn't trusted") as caught:
                await room.transport().connect(timeout=20)
            assert room.tries == 0
        assert not caught.value.retryable
        assert "ssl=" in str(caught.value)
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)

    async def test_ssl_context_of_a_private_server(self, kit, server_tls, certificate):
        context = ssl.create_default_context(cafile=certificate)
        async with kit.open_room(host="localhost", context=server_tls) as room:
            transport, theirs = await room.member(ssl=context)
            await transport.send(b'{"n":1}', timeout=20)
            assert await theirs.recv() == '{"n":1}'
            await theirs.send("back")
            assert await kit.take(transport) == b"back"
            await transport.close()

    async def test_the_name_is_checked(self, kit, server_tls, certificate):
        context = ssl.create_default_context(cafile=certificate)
        async with kit.open_room(host="127.0.0.1", context=server_tls) as room:
            with pytest.raises(JoinError, match="isn't trusted"):
                await room.transport(ssl=context).connect(timeout=20)

    async def test_another_certificate_after_a_drop_ends_the_room(
        self, kit, server_tls, certificate, other_certificate
    ):
        context = ssl.create_default_context(cafile=certificate)
        async with kit.open_room(host="localhost", context=server_tls) as room:
            transport, theirs = await room.member(ssl=context)
            server_tls.load_cert_chain(other_certificate)
            theirs.transport.abort()
            await kit.change(transport, ConnectionState.RECONNECTING)
            assert "isn't trusted" in str(await kit.end(transport))
            assert room.tries == 1
            await transport.close()


async def test_ws_takes_no_tls_but_allows_the_option(room, kit):
    transport, theirs = await room.member(ssl=ssl.create_default_context())
    await theirs.send("plain")
    assert await kit.take(transport) == b"plain"
    await transport.close()


class TestProxy:
    async def test_an_unusable_proxy_is_reported_without_its_password(self, kit):
        transport = kit.transport_to(
            f"wss://a.example{kit.path}", proxy="gopher://me:hunter2@127.0.0.1:1"
        )
        with pytest.raises(ConfigurationError, match="proxy") as caught:
            await transport.connect(timeout=20)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__suppress_context__

    async def test_a_proxy_that_refuses(self, kit):
        asked: list[bytes] = []

        async def handle(reader, writer):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            transport = kit.transport_to(
                f"wss://a.example{kit.path}", proxy=f"http://127.0.0.1:{port}"
            )
            with pytest.raises(JoinError, match="HTTP 403"):
                await transport.connect(timeout=20)
        assert asked[0].startswith(b"CONNECT a.example:443 ")
        assert kit.stream.encode() not in asked[0]

    async def test_this_machine_is_dialled_directly(self, kit, room, monkeypatch):
        for name in ("ws_proxy", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.delenv("no_proxy", raising=False)
        transport, _ = await room.member()
        await transport.close()


class TestSecrets:
    async def test_nor_in_errors_of_a_server_that_repeats_it(self, kit):
        async def handle(reader, writer):
            asked = await reader.readuntil(b"\r\n\r\n")
            body = b"no such page: " + asked.split()[1]
            writer.write(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            writer.close()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(JoinRefusedError) as caught:
                await kit.transport_to(f"ws://127.0.0.1:{port}{kit.path}").connect(timeout=20)
        assert kit.stream not in "".join(traceback.format_exception(caught.value))

    async def test_nothing_of_the_path_in_logs_or_errors(self, kit, room, caplog):
        """Not even with every logger at DEBUG, where websockets writes requests and frames."""
        for name in ("websockets", "websockets.client", "akool_chatroom.websocket", "asyncio"):
            caplog.set_level(logging.DEBUG, logger=name)
        caplog.set_level(logging.DEBUG)
        room.answers = [503]
        with pytest.raises(JoinError) as caught:
            await room.transport().connect(timeout=20)
        texts = ["".join(traceback.format_exception(caught.value))]
        transport, theirs = await room.member()
        await transport.send(b"what they said", timeout=20)
        texts += [repr(transport), str(transport._address)]
        # A server may throw the URL back at us.
        await theirs.close(4000, f"bye {kit.path}")
        texts.append((await kit.take(transport)).reason)
        await kit.take(transport)
        await (await room.joined()).close(1008, f"no {kit.path}")
        texts.append(str(await kit.end(transport)))
        await transport.close()
        ours = [
            record.getMessage()
            for record in caplog.records
            if not record.name.startswith("websockets.server")
        ]
        assert any("joined again" in text for text in ours)
        for text in texts + ours:
            assert kit.stream not in text, text
            assert "client_8898" not in text, text
            assert "what they said" not in text, text


def fragments(count: int) -> bytes:
    """A text message of `count` bytes, each in a frame of its own."""
    return b"\x01\x01a" + b"\x00\x01a" * (count - 2) + b"\x80\x01a"


class TestFragments:
    async def test_many_of_them_leave_turns_to_others(self, kit, room):
        count, turns = 40_000, 0

        async def take_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        transport, theirs = await room.member()
        theirs.transport.write(fragments(count))
        taking = asyncio.create_task(take_turns())
        assert await kit.take(transport) == b"a" * count
        taking.cancel()
        assert turns >= 3 * count / SLICE
        await transport.send(b"{}", timeout=20)
        await transport.close()

    async def test_what_follows_them_comes_in_order(self, kit, room):
        transport, theirs = await room.member()
        theirs.transport.write(fragments(5000))
        await theirs.send("next")
        await theirs.close(1000, "over")
        assert len(await kit.take(transport)) == 5000
        assert await kit.take(transport) == b"next"
        assert (await kit.end(transport)).reason == "room_closed"
        await transport.close()

    @pytest.mark.real_clock
    async def test_closing_in_the_midst_of_them(self, kit, room):
        transport, theirs = await room.member()
        theirs.transport.write(fragments(100_000))
        await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            await transport.close()
        assert (await kit.end(transport)).reason == "closed"
