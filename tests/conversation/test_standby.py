from __future__ import annotations

import asyncio

import pytest
from fake_avatar import FakeAvatar

from akool_async import ConversationOptions, SessionInfo
from akool_async.conversation.params import Params
from akool_async.conversation.standby import Connection, Standby
from akool_async.errors import AvatarAbsentError, DisconnectedError, JoinRefusedError
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until
from akool_async.transport import ConnectionState


class Waiting:
    """A session on stand-by in an in-memory room."""

    def __init__(self, **options) -> None:
        self.room = InMemoryRoom()
        self.robot = FakeAvatar(self.room)

        async def close() -> None:
            raise AssertionError("it isn't the standby that closes")

        connection = Connection(self.room.transport, SessionInfo(session_id="next"), close)
        self.standby = Standby(connection, ConversationOptions(command_resend=0.2, **options))


async def test_it_is_ready_when_the_avatar_publishes_and_has_the_settings():
    waiting = Waiting()
    waiting.room.publishing = False
    opening = asyncio.create_task(waiting.standby.open(Params(mode=1, language="de", speed=1.1)))
    await asyncio.sleep(3)
    assert not waiting.robot.commands
    waiting.room.publish()
    await opening
    data = waiting.robot.named("set-params")[0]["pld"]["data"]
    assert data == {"mode": 1, "lang": "de", "vparams": {"speed": 1.1}}
    await waiting.standby.release()
    assert not waiting.room.transport.closed


async def test_an_avatar_that_publishes_nothing_or_answers_nothing_is_ready_too(caplog):
    waiting = Waiting(ready_timeout=1, opening_timeout=1)
    waiting.room.publishing = False
    waiting.robot.answers_commands = False
    await waiting.standby.open(Params(mode=2))
    assert "published neither audio nor video within 1 s" in caplog.text
    assert "opening set-params" in caplog.text
    await waiting.standby.release()


async def test_its_avatar_is_kept_silent():
    waiting = Waiting()
    await waiting.standby.open(Params())
    robot = waiting.robot
    for number, speak in enumerate(
        [
            lambda: robot.reply("g", "Hello and welcome!"),
            lambda: robot.event("audio_start", "g"),
            lambda: robot.reply("u", "heard a visitor", sender="user"),
        ]
    ):
        await asyncio.sleep(1)
        speak()
        await until(lambda n=number: len(robot.named("interrupt")) == n + 1)
        speak()  # at once: the interrupt is on its way
    await asyncio.sleep(1)
    assert waiting.standby.interrupts == 3
    robot.event("audio_end", "g")
    await asyncio.sleep(1)
    assert waiting.standby.interrupts == 3
    await waiting.standby.release()


async def test_a_refused_room_is_raised():
    waiting = Waiting()
    waiting.room.connect_error = JoinRefusedError("no")
    with pytest.raises(JoinRefusedError):
        await waiting.standby.open(Params())
    await waiting.standby.release()


async def test_an_avatar_that_leaves_or_a_room_that_ends_is_an_error():
    waiting = Waiting()
    waiting.robot.answers_commands = False
    opening = asyncio.create_task(waiting.standby.open(Params()))
    await until(lambda: waiting.robot.commands)
    waiting.room.change(ConnectionState.AVATAR_LEFT)
    with pytest.raises(AvatarAbsentError):
        await opening
    await waiting.standby.release()

    later = Waiting()
    await later.standby.open(Params())
    assert later.standby.error is None
    later.room.drop("connection_lost")
    await until(lambda: later.standby.error)
    assert isinstance(later.standby.error, DisconnectedError)
    await later.standby.release()


async def test_what_was_not_read_is_left_for_the_next_reader():
    waiting = Waiting()
    await waiting.standby.open(Params())
    await waiting.standby.release()
    waiting.robot.event("audio_start", "a")
    assert b"audio_start" in await waiting.room.transport.receive()
