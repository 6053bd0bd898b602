import aiohttp.web
import pytest

from akool_async.simulator import Simulator


def states(command):
    return {item["check"]: item["state"] for item in command.items}


@pytest.fixture
def akool_simulator_options():
    return {"credits": 50.0}


async def test_all_is_well(run):
    status, command = await run("doctor")
    assert status == 0
    assert "ok       credentials  found in AKOOL_API_KEY\n" in command.output
    assert "the clocks agree" in command.output
    assert "50 credits left" in command.output
    _, command = await run("doctor", "--json")
    assert {"versions", "files", "livekit", "credentials", "service", "account"} <= set(
        states(command)
    )
    assert "failed" not in states(command).values()


async def test_credits_are_written_in_full(run):
    async with Simulator(credits=1234567.89) as sim:
        _, command = await run("doctor", url=sim.url)
    assert "1,234,567.89 credits left" in command.output


async def test_no_key(run):
    status, command = await run("doctor", "--json", key=None)
    assert status == 2
    assert states(command)["credentials"] == "failed"
    assert "AKOOL_API_KEY" in command.output


async def test_a_key_that_is_refused(run):
    async with Simulator(api_key="right") as sim:
        status, command = await run("doctor", url=sim.url, key="wrong-and-secret")
    assert status == 3
    assert "failed   account      1101" in command.output
    assert command.output.count("copy it again from the account's API page") == 1
    assert "wrong-and-secret" not in command.output + command.errors


async def test_a_service_that_is_gone(run):
    async with Simulator() as sim:
        url = sim.url
    status, command = await run("doctor", url=url)
    assert status == 1
    assert "failed   service" in command.output
    assert "AKOOL_API_URL" in command.output


async def test_no_credits(run):
    async with Simulator(credits=0.0) as sim:
        status, command = await run("doctor", "--json", url=sim.url)
    assert status == 0
    assert states(command)["account"] == "warning"


async def test_a_clock_that_is_wrong(run):
    async def answer(request):
        data = {"code": 1000, "data": {"credit": 5}}
        return aiohttp.web.json_response(data, headers={"Date": "Thu, 01 Jan 2015 00:00:00 GMT"})

    app = aiohttp.web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    try:
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        status, command = await run("doctor", url=f"http://{host}:{port}")
    finally:
        await runner.cleanup()
    assert status == 0
    assert "warning  service" in command.output
    assert "s ahead of it: set the clock" in command.output
