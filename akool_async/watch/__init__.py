"""A web page that shows an avatar and its conversation, for a person at this machine.

    async with watch.serve(avatar) as link:
        print("open", link)
        await stop.wait()

`WatchPage(avatar).app()` is the same as an aiohttp application, to be mounted into another one. The
page needs a room that people can join (`AvatarSession.viewer_link`), and LiveKit's browser client.
"""

from akool_async.watch.page import WatchPage
from akool_async.watch.server import serve

__all__ = ["WatchPage", "serve"]
