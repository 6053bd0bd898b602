"""A join that is given up must not end the process (LIVEKIT.md rule 1).

The native part kills it 15 s after a join that nobody took, so each way of giving up runs in a
process of its own, all at the same time.
"""

from __future__ import annotations

import asyncio
import sys

import pytest

#: Longer than the native part waits, in seconds.
DEADLY = 17

PROGRAM = """
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


@pytest.mark.slow
async def test_the_process_outlives_a_join_that_was_given_up(room) -> None:
    # Every process joins with a name of its own: a second one would throw out the first.
    async def run(how: str) -> tuple[str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            room.credentials.livekit_url,
            room.sim.new_token(identity=how),
            how,
            str(DEADLY),
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
        return out.decode().strip(), err.decode()[-2000:]

    ways = ("cancelled", "timed_out", "loop_ended", "raw")
    ended = dict(zip(ways, await asyncio.gather(*(run(how) for how in ways)), strict=True))
    for how in ways[:3]:
        out, err = ended[how]
        assert out == "alive", f"{how}: {err}"
    # The danger is real: the client by itself doesn't survive the same. Once this fails, the care
    # that `bringup` takes can go.
    assert ended["raw"][0] == ""
