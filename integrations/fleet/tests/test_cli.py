"""`akool fleet …` as a user types it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest
import typer
from akool_fleet import cli
from akool_fleet.server import LocalServer
from redis.asyncio import Redis
from trial import HERE, trial


async def akool(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "akool_async", "fleet", *arguments),
        cwd=HERE,
        env={**os.environ, "AKOOL_API_KEY": "any", "COLUMNS": "200", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("bots", "isn't MODULE:NAME"),
        (".in_process:fleet", "is relative"),
        ("in_process:SENT", "is not a Fleet"),
        ("in_process.py:fleet", "no module 'in_process.py'"),
        ("wrong_bots:fleet", "wrong_bots can't be imported: limit:"),
    ],
)
def test_a_wrong_target_says_what_is_expected(target: str, says: str) -> None:
    with pytest.raises(typer.BadParameter, match=re.escape(says)):
        cli.load(target)


async def test_a_wrong_target_is_wrong_use() -> None:
    code, _, err = await akool("status", "no_such_module:fleet")
    assert code == 2
    assert "no module 'no_such_module'" in err.replace("\n│ ", " ")


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


async def test_status_goes_on_until_a_signal(server: LocalServer) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "akool_async", "fleet", "status", "trial_bots:fleet"),
        *("--json", "--watch"),
        cwd=HERE,
        env={**os.environ, "TRIAL_URL": server.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(180):
        for _ in range(2):
            assert json.loads(await process.stdout.readline())["limit"] == 25
        process.terminate()
        _, err = await process.communicate()
    assert (process.returncode, err) == (128 + signal.SIGTERM, b"")


async def test_a_password_is_refused_without_being_shown() -> None:
    with LocalServer() as server:
        async with aclosing(Redis.from_url(server.url)) as redis:
            await redis.config_set("requirepass", "right")
        url = server.url.replace("//", "//:hunter2@")
        code, out, err = await akool("status", "trial_bots:fleet", TRIAL_URL=url)
    assert code == 1
    assert "refused access" in err
    assert len(err.strip().splitlines()) == 1
    assert "hunter2" not in out + err


@pytest.mark.slow
async def test_the_demo_ends_its_processes_by_a_signal() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "akool_async", "fleet", "demo", "--jobs", "500"),
        cwd=HERE,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    parent = psutil.Process(process.pid)
    async with asyncio.timeout(180):
        while len(children := parent.children()) < 3:  # the server and two workers
            assert process.returncode is None
            await asyncio.sleep(0.05)
        process.terminate()
        assert await process.wait() == 128 + signal.SIGTERM
    assert not [child for child in children if child.is_running()]


@pytest.mark.slow
async def test_drain_ends_workers_and_reap_cleans_up_without_any(tmp_path: Path) -> None:
    async with trial() as t:
        env = {name: t.environment[name] for name in ("AKOOL_API_URL", "TRIAL_URL")}
        first = await t.worker()
        (job,) = await t.send("gated", 1)
        await t.until_open(1)
        code, out, _ = await akool("drain", "trial_bots:fleet", **env)
        assert (code, out) == (0, "1 workers were asked to end\n")
        assert await asyncio.wait_for(first.wait(), 180) == 0
        assert (await job.status()).state == "queued"
        assert not t.service.open_sessions
        second = await t.worker()
        async with asyncio.timeout(180):
            while (await job.status()).state != "talking":
                await asyncio.sleep(0.02)
        second.kill()
        await second.wait()
        assert len(t.service.open_sessions) == 1
        async with asyncio.timeout(180):
            while t.service.open_sessions:
                code, out, _ = await akool("reap", "trial_bots:fleet", **env)
                assert code == 0
        assert (await job.status()).state == "queued"


@pytest.mark.slow
async def test_several_processes_end_in_order_together() -> None:
    async with trial() as t:
        parent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "akool_async", "fleet", "work", "trial_bots:fleet"),
            *("--processes", "2", "--verbose"),
            cwd=HERE,
            env=t.environment,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        t.workers.append(parent)
        async with asyncio.timeout(180):
            while len((await t.fleet.status()).workers) < 2:
                await asyncio.sleep(0.05)
        parent.terminate()
        _, err = await asyncio.wait_for(parent.communicate(), 180)
        assert parent.returncode == 0
        assert (await t.fleet.status()).workers == {}
        assert err.decode().count("ended in order") == 2  # --verbose reaches the processes


def test_a_process_that_dies_at_once_is_started_after_growing_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("akool_fleet.cli.time.monotonic", lambda: now)
    slot, starts = cli._Slot(), []
    while now < 1100.0:
        if slot.due():
            starts.append(now - 1000.0)
        now += 1.0
    assert starts == [0.0, 3.0, 8.0, 17.0, 34.0, 65.0, 96.0]
    while not slot.due():
        now += 1.0
    now += 60.0  # it ran for long
    assert not slot.due()
    now += 2.0
    assert slot.due()
