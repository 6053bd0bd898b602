from __future__ import annotations

import asyncio

from aiohttp import web
from scripted import Scripted, drop

from akool_async import webhooks
from akool_async.simulator import Simulator
from akool_async.simulator.clock import Clock

ID = "0123456789abcdef"
SECRET = "abcdefghijklmnopqrstuvwx"


async def test_it_is_sent_as_the_service_does(service: Scripted) -> None:
    simulator = Simulator()
    event = {"_id": "66a", "status": 3}
    status = await simulator.send_webhook(
        f"{service.url}/hook", event, client_id=ID, client_secret=SECRET
    )
    assert status == 200
    assert (service.last.method, service.last.path) == ("POST", "/hook")
    read = webhooks.open(service.last.body, client_id=ID, client_secret=SECRET, max_age=60)
    assert (read.id, read.ready) == ("66a", True)


async def test_it_is_repeated_until_it_is_answered_with_200(service: Scripted) -> None:
    clock = Clock(running=False)
    simulator = Simulator(clock=clock)
    service.answer(web.Response(status=500), drop)
    sending = asyncio.create_task(
        simulator.send_webhook(service.url, {"_id": "r"}, client_id=ID, client_secret=SECRET)
    )
    while not sending.done():
        clock.advance(1)
        await asyncio.sleep(0)
    assert await sending == 200
    assert len(service.asked) == 3
    nonces = {asked.json["nonce"] for asked in service.asked}
    assert len(nonces) == 3
