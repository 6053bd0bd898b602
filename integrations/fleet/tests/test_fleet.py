"""Setting a fleet up, registering bots, sending jobs."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from akool_fleet import Fleet, JobNotFoundError, JobWaitTimeoutError
from akool_fleet.bots import read_order

from akool_async.errors import InvalidParameterError

AVATAR = "dvp_Tristan_cloth2_1080P"


async def visit(avatar: object, *arguments: object, **named: object) -> None:
    """A bot that no test here runs."""


async def few(avatar: object, *, thing: object = None, number: float = 0.0) -> None:
    """A bot that takes little."""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://localhost"),
        ("url", None),
        ("url", "redis://host:port"),
        ("url", "redis://host:70000"),
        ("url", "redis://host?socket_timeout=soon"),
        ("url", "redis://host?colour=red"),
        ("client", None),
        ("middlewares", [object()]),
        ("name", "two words"),
        ("name", ""),
        ("limit", 0),
        ("limit", "many"),
        ("max_session", 3601),
        ("account", "mine"),
        ("lease", 0.5),
        ("create_time", 0),
        ("sessions_per_process", 0),
        ("joins_at_once", 0),
        ("credits_per_hour", -1),
    ],
)
def test_a_wrong_option_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        Fleet(**{"limit": 3, field: value})
    assert caught.value.field == field


def test_a_password_shows_nowhere() -> None:
    url = "redis://:hunter2@localhost/0"
    fleet = Fleet(url, limit=1)
    assert "hunter2" not in repr(fleet) + repr(fleet.options) + str(fleet.options)
    for wrong in (
        "http://:hunter2@localhost/0",
        "redis://:hunter2#@localhost/0",  # the address ends at #
        "redis://:hunter2/@localhost",
        "redis://localhost?passwort=hunter2",
    ):
        with pytest.raises(InvalidParameterError) as caught:
            Fleet(wrong, limit=1)
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("drain", {"drain": "stop"}),
        ("retries", {"retries": -1}),
        ("name", {"name": ""}),
        ("name", {"name": 5}),
    ],
)
def test_a_wrong_setting_of_a_bot_is_named(field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        Fleet(limit=1).bot(**wrong)(visit)
    assert caught.value.field == field


def test_two_bots_of_one_name_are_refused() -> None:
    fleet = Fleet(limit=1)
    fleet.bot()(visit)
    with pytest.raises(InvalidParameterError, match="named 'visit' already"):
        fleet.bot()(visit)


def test_a_plain_function_is_no_bot() -> None:
    with pytest.raises(InvalidParameterError, match="async function"):
        Fleet(limit=1).bot(name="plain")(lambda avatar: None)  # type: ignore[arg-type,return-value]


async def test_a_fleet_that_is_not_entered_says_so() -> None:
    bot = Fleet(limit=1).bot()(visit)
    with pytest.raises(RuntimeError, match="async with fleet"):
        await bot.send(avatar_id=AVATAR)


async def test_a_job_carries_its_arguments(make_fleet: Callable[..., Fleet]) -> None:
    async with make_fleet() as fleet:
        bot = fleet.bot(retries=2)(visit)
        job = await bot.send("Ada", 3, avatar_id=AVATAR, session={"voice_id": "v"}, mood="glad")
        fields = await fleet.ledger.fields(job.id)
    order = read_order(fields["order"])
    assert (order.avatar_id, order.args, order.kwargs) == (AVATAR, ("Ada", 3), {"mood": "glad"})
    assert order.session == {"voice_id": "v", "stream_type": "livekit"}
    assert (fields["bot"], fields["retries"], fields["state"]) == ("visit", "2", "queued")


@pytest.mark.parametrize(
    "wrong",
    [
        {"avatar_id": ""},
        {"session": {"duration": 5}},
        {"session": {"stream_type": "trtc"}},
        {"thing": object()},
        {"number": float("nan")},
        {"job_id": ""},
        {"job_id": 5},
        {"stream_type": "flv"},
        {"wanted": None},
    ],
)
async def test_what_can_not_be_sent_is_refused_before_it_is_queued(
    make_fleet: Callable[..., Fleet], wrong: dict[str, Any]
) -> None:
    async with make_fleet() as fleet:
        bot = fleet.bot()(few)
        with pytest.raises(InvalidParameterError):
            await bot.send(**{"avatar_id": AVATAR, **wrong})
        assert (await fleet.status()).jobs == {}


async def test_a_fleet_is_entered_once_at_a_time(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet()
    for _ in range(2):
        async with fleet:
            with pytest.raises(RuntimeError, match="connected already"):
                await fleet.__aenter__()
            assert (await fleet.status()).jobs == {}


async def test_a_job_id_sent_twice_is_queued_once(make_fleet: Callable[..., Fleet]) -> None:
    async with make_fleet() as fleet:
        bot = fleet.bot()(visit)
        for _ in range(3):
            await bot.send(avatar_id=AVATAR, job_id="order-17")
        assert (await fleet.status()).jobs == {"queued": 1}
        assert await fleet.ledger.redis.xlen(fleet.ledger.queue) == 1


async def test_waiting_for_a_job_has_a_limit(make_fleet: Callable[..., Fleet]) -> None:
    async with make_fleet() as fleet:
        job = await fleet.bot()(visit).send(avatar_id=AVATAR)
        with pytest.raises(JobWaitTimeoutError, match="still queued after 0"):
            await job.wait(timeout=0.05, every=0.01)
        with pytest.raises(JobNotFoundError):
            await fleet.job("another").status()


async def test_fleets_of_different_names_share_nothing(make_fleet: Callable[..., Fleet]) -> None:
    async with make_fleet() as one, make_fleet() as other:
        await asyncio.gather(*(one.bot(name=str(n))(visit).send(avatar_id=AVATAR) for n in "abc"))
        assert (await one.status()).waiting == 3
        assert (await other.status()).waiting == 0
