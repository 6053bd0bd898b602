"""close_all with a filter: what can't be known to be meant stays open, and that is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from akool_async import AkoolClient
from akool_async.errors import InvalidParameterError, SessionLeftOpenError
from akool_async.models.session import Session
from akool_async.resources.close_all import created_at
from akool_async.simulator import ServiceBehavior, Simulator

TRISTAN = "dvp_Tristan_cloth2_1080P"
OTHER = "dvp_Alinna_realisticbg_20241224"


@pytest.fixture
async def known() -> AsyncIterator[tuple[Simulator, AkoolClient]]:
    """A service that answers whose session it is."""
    behavior = ServiceBehavior(answers_avatar_id=True)
    async with Simulator(behavior=behavior) as sim, AkoolClient("any", base_url=sim.url) as akool:
        yield sim, akool
        await akool.sessions.close_all()


async def test_of_one_avatar(known: tuple[Simulator, AkoolClient]) -> None:
    sim, akool = known
    ids = [(await akool.sessions.create(avatar)).id for avatar in (TRISTAN, OTHER, TRISTAN)]
    assert set(await akool.sessions.close_all(avatar_id=TRISTAN)) == {ids[0], ids[2]}
    assert [session.id for session in sim.open_sessions] == [ids[1]]


async def test_by_age(known: tuple[Simulator, AkoolClient]) -> None:
    sim, akool = known
    old = await akool.sessions.create(TRISTAN)
    moment = datetime.fromtimestamp(int(old.id[:8], 16), UTC) + timedelta(seconds=1)
    while datetime.now(UTC) < moment + timedelta(seconds=1):  # ids have whole seconds
        await asyncio.sleep(0.05)
    new = await akool.sessions.create(TRISTAN)
    assert await akool.sessions.close_all(older_than=moment) == (old.id,)
    assert await akool.sessions.close_all(newer_than=timedelta(hours=1)) == (new.id,)
    assert sim.open_sessions == []


async def test_an_avatar_that_the_service_does_not_answer_closes_nothing() -> None:
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        made = await akool.sessions.create(TRISTAN)
        with pytest.raises(SessionLeftOpenError, match=f"akool sessions close {made.id}") as caught:
            await akool.sessions.close_all(avatar_id=TRISTAN)
        assert caught.value.session_ids == (made.id,)
        assert [session.id for session in sim.open_sessions] == [made.id]
        # Its age is known by its id.
        assert await akool.sessions.close_all(newer_than=60) == (made.id,)


async def test_version_3(known: tuple[Simulator, AkoolClient]) -> None:
    sim, akool = known
    made = await akool.legacy_sessions.create("Kai_1080P_back")
    assert await akool.legacy_sessions.close_all(newer_than=60) == (made.id,)
    assert sim.open_sessions == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("avatar_id", 7),
        ("newer_than", "yesterday"),
        ("newer_than", -1),
        ("older_than", datetime(2026, 1, 1)),  # noqa: DTZ001 - without a time zone
        ("older_than", True),
    ],
)
async def test_a_wrong_filter_is_named(
    known: tuple[Simulator, AkoolClient], field: str, value: object
) -> None:
    sim, akool = known
    await akool.sessions.create(TRISTAN)
    with pytest.raises(InvalidParameterError) as caught:
        await akool.sessions.close_all(**{field: value})  # type: ignore[arg-type]
    assert caught.value.field == field
    assert len(sim.open_sessions) == 1


@pytest.mark.parametrize("time", [1.7e15, 1e300, -1e300, 253_402_300_800_000])
def test_a_time_that_is_no_moment_is_not_known(time: float) -> None:
    assert created_at(Session(create_time=time)) is None
    made = f"{int(datetime.now(UTC).timestamp()) - 60:x}"
    assert created_at(Session(id=made + "0" * 16, create_time=time)) is not None


@pytest.mark.parametrize("excluded", ["an-id", None, 5, [5], [""]])
async def test_what_stays_open_is_named_by_a_list(excluded: object) -> None:
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        made = await akool.sessions.create(TRISTAN)
        with pytest.raises(InvalidParameterError, match="excluded"):
            await akool.sessions.close_all(excluded=excluded)  # type: ignore[arg-type]
        assert [session.id for session in sim.open_sessions] == [made.id]
        assert await akool.sessions.close_all(excluded=[made.id]) == ()
        await akool.sessions.close(made)
