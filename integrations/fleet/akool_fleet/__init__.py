"""Many bots over many machines, with a limit on paid sessions that a crash can't leak.

taskiq carries the queue and the workers; over Redis or Valkey this package keeps what no queue
does: seats, each freed only after its paid session is closed. See `Fleet`.
"""

from akool_fleet.errors import FleetError, JobNotFoundError, JobWaitTimeoutError, LeaseLostError
from akool_fleet.fleet import Bot, Fleet, Job
from akool_fleet.ledger import FleetStatus, JobStatus, SeatStatus
from akool_fleet.schedule import FleetScheduler
from akool_fleet.worker import Worker, work

__all__ = [
    "Bot",
    "Fleet",
    "FleetError",
    "FleetScheduler",
    "FleetStatus",
    "Job",
    "JobNotFoundError",
    "JobStatus",
    "JobWaitTimeoutError",
    "LeaseLostError",
    "SeatStatus",
    "Worker",
    "work",
]
