"""Seats and jobs by the server's scripts: what two processes decide at once happens once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from akool_fleet import Fleet, JobNotFoundError
from akool_fleet.broker import GROUP
from akool_fleet.ledger import Ledger, declare_group


async def send(ledger: Ledger, job: str, retries: int = 0) -> None:
    fields = {"bot": "b", "order": "{}", "retries": retries}
    assert await ledger.enqueue(job, f"message of {job}", fields)


async def seat(ledger: Ledger, job: str, limit: int = 3, lease: float = 5.0) -> str:
    return await ledger.acquire(job, f"token-{job}", "w", limit=limit, lease=lease)


async def queued(ledger: Ledger) -> list[str]:
    return [fields["data"] for _, fields in await ledger.redis.xrange(ledger.queue)]


async def test_a_job_is_written_down_and_queued_once(ledger: Ledger) -> None:
    await send(ledger, "j")
    assert not await ledger.enqueue("j", "again", {"bot": "b", "order": "{}", "retries": 0})
    assert await queued(ledger) == ["message of j"]
    status = await ledger.job("j")
    assert (status.state, status.attempts, status.session_id) == ("queued", 0, None)


async def test_what_was_never_sent_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(JobNotFoundError, match="'nothing'"):
        await ledger.job("nothing")


async def test_never_more_seats_than_the_limit(ledger: Ledger) -> None:
    for n in range(10):
        await send(ledger, f"j{n}")
    got = await asyncio.gather(*(seat(ledger, f"j{n}", limit=3) for n in range(10)))
    assert sorted(got) == ["full"] * 7 + ["seated"] * 3


async def test_a_job_gets_one_seat(ledger: Ledger) -> None:
    await send(ledger, "j")
    got = await asyncio.gather(*(seat(ledger, "j") for _ in range(10)))
    assert sorted(got) == ["duplicate"] * 9 + ["seated"]


async def test_the_whole_life_of_a_job(ledger: Ledger) -> None:
    await send(ledger, "j")
    assert await seat(ledger, "j") == "seated"
    assert (await ledger.job("j")).state == "seated"
    assert await ledger.journal("j", "token-j", "s1")
    status = await ledger.job("j")
    assert (status.state, status.session_id, status.worker) == ("talking", "s1", "w")
    assert await ledger.conversed("j", "token-j", "done")
    fleet = await ledger.status()
    assert [one.job.id for one in fleet.seats] == ["j"]  # until its session is closed
    assert await ledger.free("j", "token-j")
    fleet = await ledger.status()
    assert (fleet.seats, fleet.jobs) == ((), {"done": 1})
    assert (await ledger.job("j")).ended


async def test_who_lost_a_seat_can_do_nothing_for_it(ledger: Ledger) -> None:
    await send(ledger, "j", retries=1)
    await seat(ledger, "j", lease=0.0)
    assert await ledger.take_expired("reaper", lease=5, force=True) == ("j", None)
    assert await ledger.renew("w", {"j": "token-j"}, lease=5) == ["j"]
    assert not await ledger.journal("j", "token-j", "s1")
    assert not await ledger.conversed("j", "token-j", "done")
    assert not await ledger.free("j", "token-j")
    assert not await ledger.put_back("j", "token-j")


async def test_a_renewed_lease_is_not_reaped(ledger: Ledger) -> None:
    await send(ledger, "j")
    await seat(ledger, "j", lease=0.0)
    assert await ledger.renew("w", {"j": "token-j"}, lease=5) == []
    assert await ledger.take_expired("reaper", lease=5, force=True) is None


async def test_nothing_is_reaped_right_after_the_server_was_away(ledger: Ledger) -> None:
    """No worker has renewed for a while: all leases may have ended only because of that."""
    await send(ledger, "j")
    await seat(ledger, "j", lease=0.0)
    assert await ledger.take_expired("reaper", lease=0.2) is None
    await ledger.renew("other", {}, lease=0.2)
    assert await ledger.take_expired("reaper", lease=0.2) is None
    until = await ledger.now() + 0.25
    while await ledger.now() < until:
        await ledger.renew("other", {}, lease=0.2)
    assert await ledger.take_expired("reaper", lease=0.2) == ("j", None)


async def test_a_reaped_seat_is_taken_by_one_reaper(ledger: Ledger) -> None:
    await send(ledger, "j")
    await seat(ledger, "j", lease=0.0)
    taken = await asyncio.gather(
        *(ledger.take_expired(f"r{n}", lease=5, force=True) for n in range(5))
    )
    assert [one for one in taken if one] == [("j", None)]


async def test_a_cut_off_job_runs_again_while_it_has_retries(ledger: Ledger) -> None:
    await send(ledger, "j", retries=1)
    for expected in ("queued", "cut_off"):
        assert await seat(ledger, "j", lease=0.0) == "seated"
        await ledger.journal("j", "token-j", "s1")
        assert await ledger.take_expired("reaper", lease=5, force=True) == ("j", "s1")
        assert await ledger.settle("j", "reaper") == expected
    assert await queued(ledger) == ["message of j"] * 2
    assert (await ledger.job("j")).state == "cut_off"
    assert (await ledger.status()).seats == ()


async def test_a_job_that_was_done_stays_done_when_its_worker_dies(ledger: Ledger) -> None:
    await send(ledger, "j", retries=5)
    await seat(ledger, "j", lease=0.0)
    await ledger.journal("j", "token-j", "s1")
    await ledger.conversed("j", "token-j", "done")
    assert await ledger.take_expired("reaper", lease=5, force=True) == ("j", "s1")
    assert await ledger.settle("j", "reaper") == "done"
    assert await queued(ledger) == ["message of j"]


async def test_a_seat_of_an_unknown_session_is_held_until_a_sweep(ledger: Ledger) -> None:
    await send(ledger, "j")
    await send(ledger, "k")
    await seat(ledger, "j", limit=1, lease=0.0)
    await ledger.take_expired("reaper", lease=5, force=True)
    assert await ledger.settle("j", "reaper") == "cut_off"
    assert (await ledger.status()).unknown == 1
    assert await seat(ledger, "k", limit=1) == "full"
    # A sweep that began before the create can have been over frees nothing.
    assert await ledger.free_unknown(await ledger.now(), create_time=60) == 0
    # A session that no journal names was seen first after the create: it may be this one.
    assert await ledger.mark_orphans(["lost"], age=60) == []
    assert await ledger.free_unknown(await ledger.now() + 61, create_time=60) == 0
    assert await ledger.mark_orphans(["lost"], age=0) == ["lost"]
    assert await ledger.mark_orphans([], age=0) == []
    assert await ledger.free_unknown(await ledger.now() + 61, create_time=60) == 1
    assert await seat(ledger, "k", limit=1) == "seated"


async def test_a_journaled_session_is_no_orphan(ledger: Ledger) -> None:
    await send(ledger, "j")
    await seat(ledger, "j")
    assert await ledger.mark_orphans(["s1"], age=60) == []
    assert (await ledger.status()).orphans == 1
    await ledger.journal("j", "token-j", "s1")
    assert (await ledger.status()).orphans == 0
    assert await ledger.mark_orphans(["s1"], age=0) == []
    await ledger.free("j", "token-j")
    assert await ledger.mark_orphans(["s1"], age=0) == ["s1"]


async def test_a_job_handed_over_is_queued_and_its_seat_free(ledger: Ledger) -> None:
    await send(ledger, "j")
    await seat(ledger, "j", limit=1)
    await ledger.journal("j", "token-j", "s1")
    assert await ledger.put_back("j", "token-j")
    status = await ledger.job("j")
    assert (status.state, status.session_id) == ("queued", None)
    assert await queued(ledger) == ["message of j"] * 2
    assert await seat(ledger, "j", limit=1) == "seated"


async def test_a_waiting_job_is_put_back_without_a_seat(ledger: Ledger) -> None:
    await send(ledger, "j")
    assert await ledger.put_back("j", None)
    assert await queued(ledger) == ["message of j"] * 2
    await seat(ledger, "j")
    assert not await ledger.put_back("j", None)  # another worker seated it meanwhile


async def test_what_a_dead_worker_had_read_is_queued_again(ledger: Ledger) -> None:
    await send(ledger, "j")
    read = await ledger.redis.xreadgroup(GROUP, "dead", {ledger.queue: ">"}, count=1)
    assert read
    assert await ledger.recover(GROUP, lease=5, force=True) == 0
    await ledger.renew("dead", {}, lease=0)
    assert await ledger.recover(GROUP, lease=5, force=True) == 1
    again = await ledger.redis.xreadgroup(GROUP, "alive", {ledger.queue: ">"}, count=10)
    assert [fields for _, fields in again[0][1]] == [{"data": "message of j"}]
    assert (await ledger.status()).workers == {}


async def test_the_queue_keeps_only_what_is_not_done(ledger: Ledger) -> None:
    for n in range(5):
        await send(ledger, f"j{n}")
    await ledger.trim(GROUP)
    assert len(await queued(ledger)) == 5
    ((_, entries),) = await ledger.redis.xreadgroup(GROUP, "w", {ledger.queue: ">"}, count=3)
    await ledger.redis.xack(ledger.queue, GROUP, entries[0][0])
    await ledger.trim(GROUP)
    assert await queued(ledger) == [f"message of j{n}" for n in range(1, 5)]


async def test_one_worker_sweeps_for_the_fleet(ledger: Ledger) -> None:
    got = await asyncio.gather(*(ledger.sweep_is_mine(every=50) for _ in range(5)))
    assert sum(got) == 1
    assert await ledger.sweep_is_mine(every=0)


@pytest.mark.parametrize("how", ["free", "put_back"])
async def test_a_seat_whose_create_may_have_acted_is_held_until_a_sweep(
    ledger: Ledger, how: str
) -> None:
    for job in ("j", "k"):
        await send(ledger, job)
    await seat(ledger, "j", limit=1)
    assert await getattr(ledger, how)("j", "token-j", unknown=True)
    assert (await ledger.status()).unknown == 1
    assert await seat(ledger, "k", limit=1) == "full"
    assert await ledger.free_unknown(await ledger.now() + 61, create_time=60) == 1
    assert await seat(ledger, "k", limit=1) == "seated"


async def test_a_job_is_passed_on_for_so_long(ledger: Ledger) -> None:
    await send(ledger, "j")
    assert await ledger.pass_on("j", seconds=60)
    assert await queued(ledger) == ["message of j"] * 2
    assert not await ledger.pass_on("j", seconds=0)
    await seat(ledger, "j")
    assert not await ledger.pass_on("j", seconds=60)  # another worker has it
    assert await queued(ledger) == ["message of j"] * 2


async def test_jobs_stay_in_the_list_while_anything_is_known_of_them(
    make_fleet: Callable[..., Fleet],
) -> None:
    ledger = make_fleet(keep=1).make_ledger()
    try:
        await declare_group(ledger.redis, ledger.queue, GROUP)
        for job in ("waits", "talks", "ended"):
            await send(ledger, job)
        for job in ("talks", "ended"):
            await seat(ledger, job)
        await ledger.conversed("ended", "token-ended", "done")
        await ledger.free("ended", "token-ended")
        async with asyncio.timeout(30):
            while (await ledger.status()).jobs.get("done"):
                await asyncio.sleep(0.05)
        await ledger.trim(GROUP)
        status = await ledger.status()
        assert status.jobs == {"queued": 1, "seated": 1}
        assert [one.job.id for one in status.seats] == ["talks"]
        assert await ledger.redis.zcard(ledger.prefix + "jobs") == 2
    finally:
        await ledger.aclose()


async def test_more_jobs_than_are_counted_at_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akool_fleet.ledger._COUNTED", 3)
    for n in range(7):
        await send(ledger, f"j{n}")
    await seat(ledger, "j4")
    assert (await ledger.status()).jobs == {"queued": 6, "seated": 1}


async def test_leases_end_in_time_though_the_servers_clock_was_set_back(ledger: Ledger) -> None:
    """An hour: what was written before lies in the future."""
    await send(ledger, "j")
    await seat(ledger, "j", lease=3600)
    await ledger.renew("dead", {}, lease=3600)
    later = await ledger.now() + 3600
    calm = {"alive": later, "since": later, "swept": later}
    await ledger.redis.hset(ledger.prefix + "calm", mapping=calm)
    await ledger.renew("w", {}, lease=0.2)
    assert await ledger.sweep_is_mine(every=50)
    taken = None
    async with asyncio.timeout(30):
        while taken is None:
            await ledger.renew("w", {}, lease=0.2)
            taken = await ledger.take_expired("reaper", lease=0.2)
    assert taken == ("j", None)
    await ledger.recover(GROUP, lease=0.2)
    assert set((await ledger.status()).workers) == {"w"}


async def test_workers_that_start_later_are_not_drained(ledger: Ledger) -> None:
    before = await ledger.now()
    assert not await ledger.drain_requested(before)
    await ledger.request_drain()
    assert await ledger.drain_requested(before)
    assert not await ledger.drain_requested(await ledger.now())
