"""An avatar that says back what people in its room say, until the session ends or Ctrl-C.

export AKOOL_API_KEY=…
python examples/echo_bot.py
"""

from __future__ import annotations

import akool_async
from akool_async import AkoolClient, UserSpoke


async def main() -> None:
    async with (
        AkoolClient() as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", respond_with=lambda turn: f"You said: {turn.text}"
        ) as avatar,
    ):
        print("listening")
        async for event in avatar.events(UserSpoke):
            if isinstance(event, UserSpoke):
                print(f"heard: {event.text}")


if __name__ == "__main__":
    try:
        akool_async.run(main())
    except KeyboardInterrupt:
        print("closed")
