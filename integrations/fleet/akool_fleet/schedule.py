"""Jobs at their times, by taskiq's scheduler: `taskiq scheduler bots:scheduler`."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from redis.exceptions import RedisError
from taskiq import InMemoryBroker, ScheduledTask, ScheduleSource, TaskiqScheduler
from taskiq.exceptions import ScheduledTaskCancelledError
from taskiq.utils import maybe_awaitable

from akool_async.errors import AkoolError, InvalidParameterError
from akool_fleet.fleet import Bot, Fleet

__all__ = ["FleetScheduler"]

logger = logging.getLogger("akool_fleet")

#: The smallest step of a cron line, in seconds.
_MINUTE: Final = 60


class FleetScheduler(TaskiqScheduler):
    """Sends a fleet's jobs at their times.

        scheduler = FleetScheduler(
            fleet,
            [
                ScheduledTask(
                    task_name="greeter",
                    args=["Ada"],
                    kwargs={"avatar_id": "dvp_Tristan_cloth2_1080P"},
                    labels={},
                    cron="0 9 * * 1-5",
                    schedule_id="good-morning",
                )
            ],
        )

    A schedule's `task_name` is a bot's name; its `args` and `kwargs` are those of `Bot.send`. Times
    are by the scheduler's clock, in UTC. A job of a cron line is sent once a minute, though several
    schedulers run with the same `schedule_id`.

    Args:
        fleet: with its bots registered; the scheduler enters it.
        schedules: known from the start.
        sources: taskiq's, for schedules that come and go, such as taskiq-redis's.

    Raises:
        InvalidParameterError: a schedule of a bot that the fleet hasn't.
    """

    def __init__(
        self,
        fleet: Fleet,
        schedules: Iterable[ScheduledTask] = (),
        sources: Iterable[ScheduleSource] = (),
    ) -> None:
        given = list(schedules)
        for schedule in given:
            if schedule.task_name not in fleet.bots:
                raise InvalidParameterError(
                    "schedules", f"the fleet has no bot {schedule.task_name!r}"
                )
        # The scheduler asks it for nothing but to start and to end.
        super().__init__(InMemoryBroker(), [_Given(given), *sources])
        self._fleet = fleet

    async def startup(self) -> None:
        """Connects the fleet.

        Raises:
            RedisError: its server can't be reached.
        """
        await super().startup()
        await self._fleet.__aenter__()

    async def shutdown(self) -> None:
        """Gives the connections back."""
        await self._fleet.__aexit__(None, None, None)
        await super().shutdown()

    async def on_ready(self, source: ScheduleSource, task: ScheduledTask) -> None:
        """Sends a job whose time has come; what can't be sent is logged, and left out."""
        try:
            await maybe_awaitable(source.pre_send(task))
        except ScheduledTaskCancelledError:
            return
        try:
            await self._send(task)
        except (AkoolError, RedisError) as error:
            # The text of the server's errors may hold its address.
            text = str(error) if isinstance(error, AkoolError) else type(error).__name__
            logger.error("schedule %s sent no job: %s", task.schedule_id, text)  # noqa: TRY400
            return
        await maybe_awaitable(source.post_send(task))

    async def _send(self, task: ScheduledTask) -> None:
        settings = self._fleet.bots.get(task.task_name)
        if settings is None:
            raise InvalidParameterError("task_name", f"the fleet has no bot {task.task_name!r}")
        fields = dict(task.kwargs)
        if task.cron is not None:
            minute = int(await self._fleet.ledger.now()) // _MINUTE
            fields.setdefault("job_id", f"{task.schedule_id}@{minute}")
        elif task.time is not None:
            fields.setdefault("job_id", task.schedule_id)
        if "avatar_id" not in fields:
            raise InvalidParameterError("kwargs", "need the avatar_id of Bot.send")
        await Bot(self._fleet, settings).send(*task.args, **fields)


class _Given(ScheduleSource):
    """Schedules known from the start; one with a `time` is gone once it was sent."""

    def __init__(self, schedules: list[ScheduledTask]) -> None:
        self._schedules = {schedule.schedule_id: schedule for schedule in schedules}

    async def get_schedules(self) -> list[ScheduledTask]:
        return list(self._schedules.values())

    def post_send(self, task: ScheduledTask) -> None:
        if task.time is not None:
            self._schedules.pop(task.schedule_id, None)
