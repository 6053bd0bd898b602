"""A web server that receives the service's webhooks: an upload or a cloned voice is ready.

It needs the extra `webhooks`.

export AKOOL_CLIENT_ID=… AKOOL_CLIENT_SECRET=…
python examples/webhook_server.py 8080     # give https://YOUR-HOST/akool as the webhook's URL
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import OrderedDict

from aiohttp import web

from akool_async import webhooks
from akool_async.errors import WebhookError

#: Events that were dealt with: the service repeats what it got no answer to.
seen: OrderedDict[tuple[str, int | None], None] = OrderedDict()


async def receive(request: web.Request) -> web.Response:
    try:
        event = webhooks.open(
            await request.read(),
            client_id=os.environ["AKOOL_CLIENT_ID"],
            client_secret=os.environ["AKOOL_CLIENT_SECRET"],
            max_age=300,
        )
    except WebhookError as error:
        print("refused:", error.reason)
        return web.Response(status=400)
    if (event.id, event.status) not in seen:
        seen[event.id, event.status] = None
        if len(seen) > 1000:
            seen.popitem(last=False)
        outcome = "ready" if event.ready else "failed" if event.failed else "in progress"
        print(f"{event.id} is {outcome}")
    # Anything but 200 makes the service send it again.
    return web.Response()


async def main() -> None:
    app = web.Application(client_max_size=2**20)
    app.router.add_post("/akool", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
        await site.start()
        host, port = runner.addresses[0]
        print(f"listening on http://{host}:{port}/akool")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("closed")
