"""Which avatar a session is opened with: candidates, and waiting for one."""

from __future__ import annotations

import asyncio

import pytest

from akool_async import AkoolClient, OpeningProgress
from akool_async.errors import (
    BusyError,
    ConfigurationError,
    InvalidParameterError,
    NotFoundError,
    QuotaError,
)
from akool_async.simulator import Simulator

CREATE = "*/session/create"
DETAIL = "*/avatar/detail"


def calls(busy_sim: Simulator, end: str) -> int:
    return sum(request.path.endswith(end) for request in busy_sim.requests)


class TestCandidates:
    async def test_the_first_that_can_be_had_is_opened(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        steps: list[OpeningProgress] = []
        await busy_akool.sessions.create(avatar_ids[0], stream_type="livekit")
        async with busy_akool.open_session(
            ["nobody", avatar_ids[0], avatar_ids[1]], on_progress=steps.append
        ) as avatar:
            assert avatar.info.avatar_id == avatar_ids[1]
        assert [(step.step, step.avatar_id) for step in steps] == [
            ("trying", "nobody"),
            ("refused", "nobody"),
            ("trying", avatar_ids[0]),
            ("refused", avatar_ids[0]),
            ("trying", avatar_ids[1]),
        ]
        assert isinstance(steps[1].error, NotFoundError)
        assert steps[3].error is not None
        assert steps[3].error.code == 1237
        # None of them is asked for twice: another one is faster than waiting.
        assert calls(busy_sim, "/session/create") == 4

    async def test_all_in_use_is_the_answer_for_the_busy_one_and_names_all(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        await busy_akool.sessions.create(avatar_ids[0], stream_type="livekit")
        with pytest.raises(BusyError) as caught:
            await busy_akool.open_session(["nobody", avatar_ids[0]])
        assert caught.value.code == 1237
        (note,) = caught.value.__notes__
        assert "nobody" in note
        assert avatar_ids[0] in note

    async def test_what_no_other_avatar_helps_against_is_raised_at_once(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        busy_sim.fail_next(code=1104, path=CREATE)
        with pytest.raises(QuotaError):
            await busy_akool.open_session(avatar_ids)
        assert calls(busy_sim, "/session/create") == 1

    @pytest.mark.parametrize(
        ("field", "arguments"),
        [
            ("avatar_id", {"avatar_id": []}),
            ("avatar_id", {"avatar_id": ["a", ""]}),
            ("avatar_id", {"avatar_id": 7}),
            ("wait_for_slot", {"avatar_id": "a", "wait_for_slot": -1}),
            ("on_progress", {"avatar_id": "a", "on_progress": 7}),
            ("voice", {"avatar_id": "a", "voice": "mine"}),
        ],
    )
    async def test_wrong_values_are_refused_before_anything_is_sent(
        self, busy_sim: Simulator, busy_akool: AkoolClient, field: str, arguments: dict[str, object]
    ) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            await busy_akool.open_session(**arguments)  # type: ignore[arg-type]  # wrong on purpose
        assert caught.value.field == field
        assert not busy_sim.requests


class TestWaiting:
    async def test_it_waits_until_an_avatar_is_free(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        taken = await busy_akool.sessions.create(avatar_ids[0], stream_type="livekit")

        async def free(progress: OpeningProgress) -> None:
            if progress.step == "waiting":
                assert progress.pause is not None
                assert progress.pause <= 10
                await busy_akool.sessions.close(taken)

        opening = busy_akool.open_session(avatar_ids[0], wait_for_slot=10, on_progress=free)
        async with opening as avatar:
            assert avatar.info.avatar_id == avatar_ids[0]

    async def test_at_the_end_of_its_time_it_says_busy(
        self, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        await busy_akool.sessions.create(avatar_ids[0], stream_type="livekit")
        async with asyncio.timeout(5):
            with pytest.raises(BusyError):
                await busy_akool.open_session(avatar_ids[0], wait_for_slot=0.3)

    async def test_closing_the_client_ends_it(
        self, busy_sim: Simulator, busy_akool: AkoolClient, avatar_ids: list[str]
    ) -> None:
        await busy_akool.sessions.create(avatar_ids[0], stream_type="livekit")
        # The service asks for more time than a test has.
        busy_sim.fail_next(code=1215, headers={"Retry-After": "60"}, path=CREATE)
        waits = asyncio.Event()

        def seen(progress: OpeningProgress) -> None:
            if progress.step == "waiting":
                waits.set()

        async def use() -> None:
            await busy_akool.open_session(avatar_ids[0], wait_for_slot=60, on_progress=seen)

        task = asyncio.create_task(use())
        await waits.wait()
        async with asyncio.timeout(5):
            await busy_akool.aclose()
            with pytest.raises(ConfigurationError, match="closed"):
                await task
