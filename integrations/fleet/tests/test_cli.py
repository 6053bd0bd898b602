"""`akool fleet …` as a user types it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from akool_fleet.server import LocalServer
from trial import HERE, trial


async def akool(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "akool_async", "fleet", *arguments),
        cwd=HERE,
        env={**os.environ, "AKOOL_API_KEY": "any", "COLUMNS": "200", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("bots", "isn't MODULE:NAME"),
        ("no_such_module:fleet", "no module 'no_such_module'"),
        ("trial_bots:visit", "is not a Fleet"),
    ],
)
async def test_a_wrong_target_says_what_is_expected(target: str, says: str) -> None:
    code, _, err = await akool("status", target, TRIAL_URL="redis://127.0.0.1:1")
    assert code == 2
    assert says in err.replace("\n│ ", " ")


async def test_a_server_that_is_down_takes_one_line() -> None:
    code, _, err = await akool("status", "trial_bots:fleet", TRIAL_URL="redis://127.0.0.1:1")
    assert code == 1
    assert "server can't be reached" in err
    assert len(err.strip().splitlines()) == 1


async def test_status_as_a_table_and_as_json(server: LocalServer) -> None:
    code, out, _ = await akool("status", "trial_bots:fleet", TRIAL_URL=server.url)
    assert (code, "fleet trial" in out) == (0, True)
    code, out, _ = await akool("status", "trial_bots:fleet", "--json", TRIAL_URL=server.url)
    assert code == 0
    assert {"waiting", "seats", "workers", "jobs"} <= json.loads(out).keys()


@pytest.mark.slow
async def test_drain_ends_workers_and_reap_cleans_up_without_any(tmp_path: Path) -> None:
    async with trial() as t:
        env = {name: t.environment[name] for name in ("AKOOL_API_URL", "TRIAL_URL")}
        first = await t.worker()
        (job,) = await t.send("visit", 1, 60.0)
        await t.until_open(1)
        code, out, _ = await akool("drain", "trial_bots:fleet", **env)
        assert (code, out) == (0, "1 workers were asked to end\n")
        assert await asyncio.wait_for(first.wait(), 60) == 0
        assert (await job.status()).state == "queued"
        assert not t.service.open_sessions
        second = await t.worker()
        async with asyncio.timeout(60):
            while (await job.status()).state != "talking":
                await asyncio.sleep(0.02)
        second.kill()
        await second.wait()
        assert len(t.service.open_sessions) == 1
        async with asyncio.timeout(30):
            while t.service.open_sessions:
                code, out, _ = await akool("reap", "trial_bots:fleet", **env)
                assert code == 0
        assert (await job.status()).state == "queued"


@pytest.mark.slow
async def test_several_processes_end_in_order_together() -> None:
    async with trial() as t:
        parent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "akool_async", "fleet", "work", "trial_bots:fleet"),
            *("--processes", "2"),
            cwd=HERE,
            env=t.environment,
            start_new_session=True,
        )
        t.workers.append(parent)
        async with asyncio.timeout(60):
            while len((await t.fleet.status()).workers) < 2:
                await asyncio.sleep(0.05)
        parent.terminate()
        assert await asyncio.wait_for(parent.wait(), 60) == 0
        assert (await t.fleet.status()).workers == {}
