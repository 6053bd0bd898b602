"""A web page that shows an avatar and its conversation.

For a person at this machine, on a port of its own:

    async with watch.serve(avatar) as link:
        print("open", link)
        await stop.wait()

Inside a web application; `page` is an ASGI application (FastAPI, Starlette), and makes one for
aiohttp:

    page = watch.app(avatar, hosts=["watch.example"])
    fastapi_app.mount("/watch", page)
    aiohttp_app.add_subapp("/watch/", page.aiohttp_app())
    link = page.link("https://watch.example/watch/")

The page needs a room that people can join (`AvatarSession.viewer_link`), and LiveKit's browser
client.
"""

from akool_async.watch.files import client_file
from akool_async.watch.page import WatchPage
from akool_async.watch.server import serve

__all__ = ["WatchPage", "app", "client_file", "serve"]

#: `watch.app(avatar)` reads as what it makes.
app = WatchPage
