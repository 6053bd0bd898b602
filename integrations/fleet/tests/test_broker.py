"""The queue's reader: a message whose delivery was lost comes all the same, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import pytest
from akool_fleet.broker import GROUP, FleetBroker
from akool_fleet.ledger import Ledger
from akool_fleet.server import LocalServer


class LossyLine:
    """A way to the server that can lose the server's next answer to a read."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self._open: set[asyncio.Task[None]] = set()
        self.lose_next_message = False
        self.lost = 0
        #: Called when the server's answer "nothing came" has been passed on.
        self.on_nothing: Callable[[], None] | None = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The port of the way; its connections end with the block."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        async with server:
            try:
                yield server.sockets[0].getsockname()[1]
            finally:
                for task in self._open:
                    task.cancel()
                await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            answers, requests = await asyncio.open_connection("127.0.0.1", self._server.port)
            try:
                await asyncio.wait(
                    [
                        asyncio.create_task(self._requests(reader, requests)),
                        asyncio.create_task(self._answers(answers, writer)),
                    ],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                requests.close()
        finally:
            self._open.discard(task)
            writer.close()

    async def _requests(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            to.write(data)

    async def _answers(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if self.lose_next_message and b"message of" in data:
                self.lose_next_message = False
                self.lost += 1
                return
            to.write(data)
            if self.on_nothing is not None and data in (b"*-1\r\n", b"_\r\n"):
                self.on_nothing()


@pytest.fixture
async def line(server: LocalServer) -> AsyncIterator[tuple[LossyLine, str]]:
    line = LossyLine(server)
    async with line.listening() as port:
        yield line, f"redis://127.0.0.1:{port}/0"


async def send(ledger: Ledger, *jobs: str) -> None:
    for job in jobs:
        assert await ledger.enqueue(job, f"message of {job}", {"bot": "b", "order": "{}"})


async def unacknowledged(ledger: Ledger) -> int:
    return int((await ledger.redis.xpending(ledger.queue, GROUP))["pending"])


async def test_a_message_whose_delivery_was_lost_comes_once(
    ledger: Ledger, line: tuple[LossyLine, str]
) -> None:
    way, url = line
    broker = FleetBroker(url, queue=ledger.queue, worker="w")
    got = []
    try:
        async with asyncio.timeout(30), aclosing(broker.listen()) as messages:
            await send(ledger, "first")
            first = await anext(messages)
            way.lose_next_message = True
            await send(ledger, "second", "third")
            got = [first, await anext(messages), await anext(messages)]
            for message in got:
                await message.ack()  # type: ignore[misc]
            await send(ledger, "fourth")
            got.append(await anext(messages))
    finally:
        await broker.shutdown()
    assert way.lost == 1
    expected = [f"message of {job}".encode() for job in ("first", "second", "third", "fourth")]
    assert [message.data for message in got] == expected
    assert await unacknowledged(ledger) == 1  # the fourth


@pytest.mark.parametrize("steps", range(5, 13))
async def test_a_read_that_is_cancelled_as_its_answer_comes_ends(
    ledger: Ledger, line: tuple[LossyLine, str], steps: int
) -> None:
    """At one of these steps of the loop, the server's client takes the answer and loses the
    cancellation; the worker that waits for the end of the read would never end."""
    way, url = line
    broker = FleetBroker(url, queue=ledger.queue, worker="w")
    messages = broker.listen()
    reading = asyncio.create_task(anext(messages))  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()

    def cancel(after: int) -> None:
        if after:
            loop.call_soon(cancel, after - 1)
        else:
            reading.cancel()

    def answered() -> None:
        way.on_nothing = None
        cancel(steps)

    way.on_nothing = answered
    try:
        done, _ = await asyncio.wait([reading], timeout=10)
        assert done
        assert reading.cancelled()
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        await messages.aclose()
        await broker.shutdown()


async def test_a_worker_that_ends_puts_back_what_it_read_without_a_seat(ledger: Ledger) -> None:
    broker = FleetBroker(ledger_url(ledger), queue=ledger.queue, worker="w")
    await ledger.renew("w", {}, lease=30.0)
    await send(ledger, "a", "b")
    async with asyncio.timeout(30), aclosing(broker.listen()) as messages:
        await (await anext(messages)).ack()  # type: ignore[misc]
        await anext(messages)
    await broker.shutdown()
    assert await ledger.retire("w", GROUP) == 1
    assert (await ledger.status()).workers == {}
    other = FleetBroker(ledger_url(ledger), queue=ledger.queue, worker="other")
    async with asyncio.timeout(30), aclosing(other.listen()) as messages:
        assert (await anext(messages)).data == b"message of b"
    await other.shutdown()


def ledger_url(ledger: Ledger) -> str:
    values = ledger.redis.connection_pool.connection_kwargs
    return f"redis://{values['host']}:{values['port']}/{values['db']}"
