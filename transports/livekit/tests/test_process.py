"""What the native part does to the process: each case in a process of its own.

- A join that is given up must not end it (docs/livekit.md rule 1): the native part kills it 15 s
  after a join that no one took.
- Its end must not be an abort (`akool_async.transport.native`).
"""

from __future__ import annotations

import asyncio
import sys

import pytest

#: Longer than the native part waits, in seconds.
DEADLY = 17

GIVEN_UP = """
import asyncio, sys, time
from akool_async.models.credentials import LiveKitCredentials
from akool_async.transport import JoinTarget
from akool_livekit import LiveKitTransport

url, token, how, seconds = sys.argv[1:]

def transport():
    credentials = LiveKitCredentials(livekit_url=url, livekit_token=token)
    return LiveKitTransport(JoinTarget(credentials), {})

async def cancelled():
    joining = asyncio.create_task(transport().connect(timeout=30))
    await asyncio.sleep(0.01)
    joining.cancel()
    await asyncio.wait({joining})
    assert joining.cancelled()

async def timed_out():
    try:
        await transport().connect(timeout=0.01)
    except TimeoutError:
        return
    raise AssertionError("it was joined in 10 ms")

async def loop_ended():
    joining = asyncio.create_task(transport().connect(timeout=30))
    await asyncio.sleep(0.01)

async def raw():
    from livekit import rtc
    joining = asyncio.create_task(rtc.Room().connect(url, token))
    await asyncio.sleep(0.01)
    joining.cancel()
    await asyncio.wait({joining})

asyncio.run({"cancelled": cancelled, "timed_out": timed_out, "loop_ended": loop_ended,
             "raw": raw}[how]())
time.sleep(float(seconds))
print("alive")
"""


async def run(program: str, room, how: str, *arguments: str) -> tuple[int | None, str, str]:
    """Its exit status and what it wrote. Joins with a name of its own: a second one would throw out
    the first."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        room.credentials.livekit_url,
        room.sim.new_token(identity=how),
        how,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLY + 60):
            out, err = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return process.returncode, out.decode().strip(), err.decode()


@pytest.mark.slow
async def test_the_process_outlives_a_join_that_was_given_up(room) -> None:
    ways = ("cancelled", "timed_out", "loop_ended", "raw")
    runs = (run(GIVEN_UP, room, how, str(DEADLY)) for how in ways)
    *ours, raw = await asyncio.gather(*runs)
    for how, (_, out, err) in zip(ways, ours, strict=False):
        assert out == "alive", f"{how}: {err[-2000:]}"
    # The danger is real: the client by itself doesn't survive the same. Once this fails, the care
    # that `bringup` takes can go.
    assert raw[1] == ""


#: The client's log is still on its way to Python, a line at a time, when the program is done.
DONE = """
import asyncio, logging, os, sys, time
os.environ["LIVEKIT_RTC_DEBUG"] = "1"  # every line of the log
from akool_async.models.credentials import LiveKitCredentials
from akool_async.transport import JoinTarget
from akool_livekit import LiveKitTransport

url, token, how = sys.argv[1:]

def slowly(record):
    for _ in range(200):
        time.sleep(0.001)
    return False

client = logging.getLogger("livekit")
client.setLevel(logging.DEBUG)
client.addFilter(slowly)

async def ours():
    credentials = LiveKitCredentials(livekit_url=url, livekit_token=token)
    transport = LiveKitTransport(JoinTarget(credentials), {})
    await transport.connect(timeout=30)
    await transport.close()

async def raw():
    from livekit import rtc
    room = rtc.Room()
    await room.connect(url, token)
    await room.disconnect()

asyncio.run({"ours": ours, "raw": raw}[how]())
print("done")
"""


@pytest.mark.slow
async def test_the_process_ends_without_an_abort(room) -> None:
    assert await run(DONE, room, "ours") == (0, "done", "")
    if sys.version_info >= (3, 14):
        return  # the interpreter has such threads wait, instead of ending them
    # The danger is real: the client by itself says this, and aborts where it has the time to. Once
    # this fails, `settle_at_exit` can go.
    for _ in range(5):
        _, out, err = await run(DONE, room, "raw")
        assert out == "done"
        if "panic in a function that cannot unwind" in err:
            return
    raise AssertionError("the client ended well, five times")
