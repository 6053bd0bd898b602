"""The two tasks and the timer; and what happens when the event loop was held up."""

from __future__ import annotations

import asyncio
import time

import pytest

from akool_async import ReplyDelta
from akool_async.conversation import ConversationOptions
from akool_async.conversation.driver import Driver
from akool_async.errors import DisconnectedError
from akool_async.events import EventsLost
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionState


class Recorder:
    """A listener that writes down its calls; its deadlines are given."""

    def __init__(self) -> None:
        self.deadlines: list[float] = []
        self.expired: list[float] = []
        self.log: list[str] = []

    def message_received(self, message, now) -> None:
        self.log.append(type(message).__name__)

    def connection_changed(self, change, now) -> None:
        self.log.append(change.state.name)

    def packet_sending(self, packet) -> None:
        self.log.append(f"sending {packet.key}")

    def packet_sent(self, packet) -> None:
        self.log.append(f"sent {packet.key}")

    def packet_failed(self, packet, error) -> None:
        self.log.append(f"failed {packet.key}: {error}")

    def deadline(self) -> float | None:
        return min(self.deadlines, default=None)

    def expire(self, now: float) -> None:
        self.expired.append(now)
        self.deadlines = [when for when in self.deadlines if when > now]

    def connection_lost(self, error) -> None:
        self.log.append(f"lost: {error.reason}")

    def readers_behind(self) -> bool:
        return False

    async def until(self, condition) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)


@pytest.fixture
async def driven():
    """A room, a driver of it that runs, and its listener."""
    room, recorder = InMemoryRoom(), Recorder()
    await room.transport.connect(timeout=1)
    driver = Driver(room.transport, ConversationOptions(send_timeout=0.1), recorder)
    driver.start()
    yield room, driver, recorder
    await driver.stop()
    await room.transport.close()


async def test_what_comes_and_goes_is_reported_in_its_order(driven):
    room, driver, recorder = driven
    driver.outbox.push("m1", [b"one", b"two"])
    room.send(
        b'{"v":2,"type":"chat","mid":"x","idx":0,"fin":true,"pld":{"from":"bot","text":"Hi"}}'
    )
    room.change(ConnectionState.RECONNECTING)
    await recorder.until(lambda: len(recorder.log) == 7)
    assert [line for line in recorder.log if "m1" in line] == [
        "sending m1",
        "sent m1",
        "sending m1",
        "sent m1",
    ]
    assert [line for line in recorder.log if "m1" not in line] == [
        "ChatDelta",
        "Chat",
        "RECONNECTING",
    ]


async def test_a_packet_that_is_not_taken_takes_the_rest_of_its_message_along(driven):
    room, driver, recorder = driven
    room.stuck = True
    driver.outbox.push("m1", [b"one", b"two"])
    await recorder.until(lambda: len(recorder.log) == 2)
    assert recorder.log[0] == "sending m1"
    assert recorder.log[1].startswith("failed m1")
    assert driver.outbox.waiting_bytes == 0


async def test_the_rooms_end_is_reported_whatever_it_is(driven):
    room, _, recorder = driven
    room.drop("banned")
    await recorder.until(lambda: recorder.log)
    assert recorder.log == ["lost: banned"]


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_a_transport_that_fails_to_receive_ends_the_room(driven, error):
    """Also by the cancellation of something that it awaits, which nothing here asked for."""
    room, _, recorder = driven

    async def receive():
        raise error

    room.transport.receive = receive
    room.send(b"{}")
    await recorder.until(lambda: "lost: failed" in recorder.log)


async def test_a_transport_whose_sending_is_cancelled_inside_ends_the_room(driven):
    room, driver, recorder = driven

    async def send(packet, *, timeout):
        raise asyncio.CancelledError

    room.transport.send = send
    driver.outbox.push("m1", [b"one"])
    await recorder.until(lambda: "lost: failed" in recorder.log)


async def test_it_gives_the_time_at_each_deadline_however_they_were_set(driven):
    _, driver, recorder = driven
    now = driver.now()
    recorder.deadlines = [now + 0.2]
    driver.schedule()
    await asyncio.sleep(0)
    recorder.deadlines.append(now + 0.05)
    driver.schedule()
    await recorder.until(lambda: len(recorder.expired) == 2)
    assert recorder.expired[0] < now + 0.2 <= recorder.expired[1]


async def test_a_handle_need_not_know_its_time(driven, monkeypatch):
    """As uvloop's handles of timers that are due at once."""
    _, driver, recorder = driven
    loop = asyncio.get_running_loop()
    with monkeypatch.context() as patch:
        patch.setattr(loop, "call_at", lambda when, call, *args: loop.call_soon(call, *args))
        for _ in range(3):
            recorder.deadlines = [driver.now()]
            driver.schedule()
            await asyncio.sleep(0)
    await recorder.until(lambda: recorder.expired)


@pytest.mark.real_clock
async def test_late_it_waits_until_what_arrived_was_read(driven):
    room, driver, recorder = driven
    recorder.deadlines = [driver.now() + 0.05]
    driver.schedule()
    time.sleep(0.5)  # noqa: ASYNC251 - what it is about
    for _ in range(3):
        await asyncio.sleep(0.1)
        room.send(b"something")
        assert recorder.expired == []
    await recorder.until(lambda: recorder.expired)


@pytest.mark.real_clock
@pytest.mark.parametrize("limit", [0.2, 5.0])
async def test_a_loop_that_was_held_up_loses_nothing_that_had_arrived(scene, limit):
    async with scene(quiet_time=0.2, fin_timeout=0.2) as s:
        held = []

        @s.session.on(ReplyDelta)
        def handler(event: ReplyDelta) -> None:
            if not held:
                held.append(event)
                s.robot.part(event.mid, 1, "two ")
                s.robot.part(event.mid, 2, "three", True)
                time.sleep(0.6)

        s.robot.on_chat = lambda mid, text: s.robot.part(mid, 0, "one ")
        reply = await s.session.ask("Count.", timeout=limit)
        assert (reply.text, reply.ended) == ("one two three", "fin")


async def test_a_burst_leaves_time_to_read_its_events(scene):
    async with scene() as s:
        got: list[str] = []
        lost: list[int] = []

        async def read() -> None:
            async for event in s.session.events():
                if isinstance(event, EventsLost):
                    lost.append(event.count)
                elif isinstance(event, ReplyDelta):
                    got.append(event.text)

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        for number in range(3000):
            s.robot.part("m", number, f"{number} ")
        await s.robot.until(lambda: len(got) + sum(lost) == 3000)
        reading.cancel()
        assert (len(got), lost) == (3000, [])


async def test_closed_it_sends_nothing_more(driven):
    room, driver, recorder = driven
    driver.end()
    driver.outbox.push("m1", [b"one"])
    await asyncio.sleep(0.05)
    assert recorder.log == []
    assert room.packets == []


async def test_it_says_that_the_room_is_gone_when_sending_finds_out(driven):
    room, driver, recorder = driven

    async def send(packet, *, timeout):
        raise DisconnectedError("gone", reason="kicked")

    room.transport.send = send
    driver.outbox.push("m1", [b"one"])
    await recorder.until(lambda: "lost: kicked" in recorder.log)
