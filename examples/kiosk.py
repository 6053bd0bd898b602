"""A kiosk: an avatar that greets who comes, says goodbye, and costs nothing while no one is there.

The kiosk's screen is a browser that joins the room "kiosk" of your LiveKit server when a person
comes near (its camera or a sensor says so), under that person's name if it is known, and leaves
when they go. Without a session the program asks the server once a second who is in the room. Who
comes makes it open a session; it is closed when the room has been empty for a while.

    export AKOOL_API_KEY=…
    export LIVEKIT_URL=wss://… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…
    python examples/kiosk.py kiosk
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from livekit import api

import akool_async
from akool_async import (
    AkoolClient,
    AkoolError,
    AvatarSession,
    OwnLiveKitRoom,
    ParticipantJoined,
    ParticipantLeft,
)

AVATAR = "dvp_Tristan_cloth2_1080P"
#: Seconds between two looks into the room while there is no session.
LOOK = 1.0
#: Seconds for which the room stays empty before the session is closed: some come back at once.
EMPTY = 15.0
#: Seconds after a session couldn't be opened.
PAUSE = 10.0
#: Seconds: a limit of what one visit costs. After that the next session greets who is still there.
DURATION = 900


class Presence:
    """Who is in the room, by the server: no session is needed to ask."""

    def __init__(self, room: OwnLiveKitRoom, server: api.LiveKitAPI) -> None:
        self._room = room
        self._server = server

    async def wait(self) -> None:
        """Until a person is there."""
        ours = (self._room.avatar_identity, self._room.bot_identity)
        while True:
            request = api.ListParticipantsRequest(room=self._room.name)
            try:
                found = await self._server.room.list_participants(request)
            except api.TwirpError as error:
                if error.code != "not_found":  # before the first one came, there is no room
                    raise
            else:
                if any(one.identity not in ours for one in found.participants):
                    return
            await asyncio.sleep(LOOK)


async def run(
    akool: AkoolClient, room: OwnLiveKitRoom, arrival: Callable[[], Awaitable[None]]
) -> None:
    """Opens a session whenever `arrival` returns."""
    while True:
        print("idle")
        await arrival()
        try:
            async with akool.open_session(AVATAR, room=room, duration=DURATION) as avatar:
                await attend(avatar)
        except AkoolError as error:
            print(f"no session: {error}")
            await asyncio.sleep(PAUSE)


async def attend(avatar: AvatarSession) -> None:
    """Greets and says goodbye until the room is empty."""
    async with avatar.events(ParticipantJoined, ParticipantLeft) as events:
        for one in people(avatar):  # who made us come
            greet(avatar, one)
        while True:
            try:
                async with asyncio.timeout(None if people(avatar) else EMPTY):
                    event = await anext(events)
            except (TimeoutError, StopAsyncIteration):  # the latter: the session ended
                return
            match event:
                case ParticipantJoined(name=name, is_avatar=False):
                    greet(avatar, name)
                case ParticipantLeft(name=name, is_avatar=False):
                    say(avatar, f"Goodbye, {name or 'and see you soon'}!")


def people(avatar: AvatarSession) -> list[str]:
    """Names of those who are there, "" where none is known."""
    return [one.name for one in avatar.participants if not one.is_avatar]


def greet(avatar: AvatarSession, name: str) -> None:
    say(avatar, f"Welcome, {name}!" if name else "Welcome!")


def say(avatar: AvatarSession, text: str) -> None:
    print(f"avatar: {text}")
    avatar.say(text)  # after what it says now; nothing here waits for it


async def main(name: str) -> None:
    room = OwnLiveKitRoom(name=name)
    async with AkoolClient() as akool, api.LiveKitAPI() as server:
        await run(akool, room, Presence(room, server).wait)


if __name__ == "__main__":
    try:
        akool_async.run(main(sys.argv[1] if len(sys.argv) > 1 else "kiosk"))
    except KeyboardInterrupt:
        print("closed")
