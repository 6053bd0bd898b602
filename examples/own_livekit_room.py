"""An avatar in your own LiveKit room: it greets people there, and answers what they say.

The service must be able to reach the server. Tokens are made here, for this session only.

    export AKOOL_API_KEY=…
    export LIVEKIT_URL=wss://… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…
    python examples/own_livekit_room.py reception
"""

from __future__ import annotations

import sys

import akool_async
from akool_async import AkoolClient, OwnLiveKitRoom, ReplyDone, UserSpoke


async def main(name: str) -> None:
    room = OwnLiveKitRoom(name=name)
    async with (
        AkoolClient() as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", room=room, duration=600) as avatar,
    ):
        print(f"in the room {name}")
        await avatar.say("Welcome! Ask me anything.").spoken()
        await avatar.set_params(mode=2, language="en")  # from here on it answers by itself
        print("listening")
        async for event in avatar.events(UserSpoke, ReplyDone):
            match event:
                case UserSpoke(text=text):
                    print(f"guest: {text}")
                case ReplyDone():
                    print(f"avatar: {event.text}")


if __name__ == "__main__":
    try:
        akool_async.run(main(sys.argv[1] if len(sys.argv) > 1 else "reception"))
    except KeyboardInterrupt:
        print("closed")
