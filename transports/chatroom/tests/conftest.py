"""Real servers for the chat room transport: websockets, plain TCP, TLS."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from akool_chatroom import ChatRoomTransport
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import Server, ServerConnection, serve

from akool_async.errors import DisconnectedError
from akool_async.models.credentials import ChatRoomCredentials
from akool_async.testing.waiting import until
from akool_async.transport import ConnectionChange, ConnectionState, JoinTarget

STREAM = "20240718075254093_8898"
PATH = f"/final_{STREAM}/client_8898.chat"

#: Generous: only how long a broken test hangs.
LIMIT = 20.0


class Room:
    """A websocket server, and the connections it took, in order."""

    def __init__(self, host: str, secure: bool) -> None:
        self.server: Server | None = None
        self.host = host
        self.secure = secure
        self.joins: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.answers: list[int] = []  # statuses for the next handshakes
        self.tries = 0
        self.greeting = ""  # sent in the turn of the loop that accepts a connection

    @property
    def port(self) -> int:
        assert self.server is not None
        return self.server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://{self.host}:{self.port}{PATH}"

    async def joined(self) -> ServerConnection:
        """The next connection."""
        return await asyncio.wait_for(self.joins.get(), LIMIT)

    def transport(self, **options: Any) -> ChatRoomTransport:
        return transport_to(self.url, **options)

    async def member(self, **options: Any) -> tuple[ChatRoomTransport, ServerConnection]:
        """A joined transport, and the server's end of it."""
        transport = self.transport(**options)
        await transport.connect(timeout=LIMIT)
        return transport, await self.joined()

    async def _handshake(self, connection: ServerConnection, request: Any) -> Any:
        self.tries += 1
        if self.answers:
            return connection.respond(self.answers.pop(0), "")
        return None

    async def _handle(self, connection: ServerConnection) -> None:
        if self.greeting:
            await connection.send(self.greeting)
        self.joins.put_nowait(connection)
        await connection.wait_closed()


def transport_to(url: str, **options: Any) -> ChatRoomTransport:
    credentials = ChatRoomCredentials(
        client_chat_room_url=url, client_id="client_8898", server_id="server_8898"
    )
    options = {"reconnect_delay": 0.01, **options}
    return ChatRoomTransport(JoinTarget(credentials, session_id="s1"), options)


@asynccontextmanager
async def open_room(
    *, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[Room]:
    room = Room(host, context is not None)
    async with serve(
        room._handle,
        "127.0.0.1",
        port,
        ssl=context,
        process_request=room._handshake,
        max_size=None,
        close_timeout=0.2,
    ) as server:
        room.server = server
        yield room
        for connection in server.connections:
            connection.transport.abort()


class Kit:
    """What tests of this folder share; a fixture, since their folder is no package."""

    limit = LIMIT
    stream = STREAM
    path = PATH
    open_room = staticmethod(open_room)
    transport_to = staticmethod(transport_to)

    until = staticmethod(until)

    @staticmethod
    async def take(transport: ChatRoomTransport) -> bytes | ConnectionChange:
        return await asyncio.wait_for(transport.receive(), LIMIT)

    @classmethod
    async def change(cls, transport: ChatRoomTransport, state: ConnectionState) -> ConnectionChange:
        """The next thing received, which is this change."""
        item = await cls.take(transport)
        assert isinstance(item, ConnectionChange), item
        assert item.state is state
        return item

    @classmethod
    async def end(cls, transport: ChatRoomTransport) -> DisconnectedError:
        """The room's end, which is the next thing received."""
        with pytest.raises(DisconnectedError) as caught:
            await cls.take(transport)
        return caught.value


@pytest.fixture
def kit() -> type[Kit]:
    return Kit


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with open_room() as room:
        yield room


@pytest.fixture
async def joined(room: Room) -> AsyncIterator[tuple[ChatRoomTransport, ServerConnection]]:
    """A transport in the room, with the server's end of it."""
    transport = room.transport()
    await transport.connect(timeout=LIMIT)
    yield transport, await room.joined()
    await transport.close()


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """A server that takes connections and never says a word."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in writers:
        writer.transport.abort()
    server.close()
    await server.wait_closed()


def _certificate(path: Path) -> Path:
    """A certificate for `localhost`, signed by itself; key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - day)
        .not_valid_after(today + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _certificate(tmp_path_factory.mktemp("tls") / "localhost.pem")


@pytest.fixture(scope="session")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _certificate(tmp_path_factory.mktemp("tls") / "other.pem")


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
