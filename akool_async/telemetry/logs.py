"""Measurements as lines of the log `akool_async.telemetry`."""

from __future__ import annotations

import logging

from akool_async.telemetry.measurements import (
    CONVERSATION_ID,
    Attributes,
    Measurements,
    SessionMeasurements,
)

__all__ = ["log"]


def log(level: int = logging.INFO, logger: logging.Logger | None = None) -> Measurements:
    """Writes a line for each span, count and REST call, at `level`; durations at DEBUG.

    Args:
        level: of the lines.
        logger: to write to, `akool_async.telemetry` by default.
    """
    return _Log(logger or logging.getLogger("akool_async.telemetry"), level)


class _Log:
    """Implements `Measurements`."""

    def __init__(self, logger: logging.Logger, level: int) -> None:
        self._logger = logger
        self._level = level

    def begin(self, attributes: Attributes) -> SessionMeasurements:
        session = _SessionLog(self._logger, self._level)
        session.identify(attributes)
        return session

    def request(self, operation: str, seconds: float, attributes: Attributes, error: str) -> None:
        line = f"{operation} took {_milliseconds(seconds)}{_failed(error)}{_pairs(attributes)}"
        self._logger.log(self._level, line)


class _SessionLog:
    """Implements `SessionMeasurements`."""

    def __init__(self, logger: logging.Logger, level: int) -> None:
        self._logger = logger
        self._level = level
        self._name = "session"

    def identify(self, attributes: Attributes) -> None:
        if session := attributes.get(CONVERSATION_ID):
            self._name = f"session {session}"

    def duration(self, name: str, seconds: float, attributes: Attributes) -> None:
        self._write(logging.DEBUG, f"{name} {_milliseconds(seconds)}{_pairs(attributes)}")

    def span(self, name: str, seconds: float, attributes: Attributes, error: str) -> None:
        took = f"{name} took {_milliseconds(seconds)}{_failed(error)}{_pairs(attributes)}"
        self._write(self._level, took)

    def count(self, name: str, amount: float, attributes: Attributes) -> None:
        self._write(self._level, f"{name}: {amount}{_pairs(attributes)}")

    def end(self, error: str) -> None:
        self._write(self._level, f"over{_failed(error)}")

    def _write(self, level: int, line: str) -> None:
        self._logger.log(level, "%s: %s", self._name, line)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _failed(error: str) -> str:
    return f" ({error})" if error else ""


def _pairs(attributes: Attributes) -> str:
    return "".join(f" {name}={value}" for name, value in attributes.items())
