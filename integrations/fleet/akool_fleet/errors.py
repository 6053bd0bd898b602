"""What can go wrong with a fleet itself; what goes wrong in a session is akool_async's."""

from __future__ import annotations

from akool_async.errors import AkoolError

__all__ = ["FleetError", "JobNotFoundError", "JobWaitTimeoutError", "LeaseLostError"]


class FleetError(AkoolError):
    """The fleet's own part failed."""


class JobNotFoundError(FleetError):
    """No job has this id: it was never sent, or what was known of it has expired."""


class JobWaitTimeoutError(FleetError):
    """A job didn't end within the given time. It goes on."""


class LeaseLostError(FleetError):
    """The worker couldn't renew its seat in time, so another worker closed its session."""
