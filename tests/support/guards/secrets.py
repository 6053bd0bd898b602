"""Scans everything logged in the run for the secrets used in it.

Secrets are registered by `secret("…")`, and by being put into a `SecretStr`: so every token of
an answer is known without anybody naming it.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator

import pydantic
import pytest

__all__ = ["secret"]

#: Shorter ones would be found by chance.
_SHORTEST = 10

#: Loggers that may hold what we are given or send; heard at every level.
_HEARD = (
    "akool_async",
    "akool_livekit",
    "akool_chatroom",
    "akool_agora",
    "akool_trtc",
    "aiohttp",
    "livekit",
)

_secrets: set[str] = set()


def secret(value: str) -> str:
    """Registers a value that no log of this run may hold, and returns it."""
    if len(value) < _SHORTEST:
        raise ValueError(f"a test's secret has {_SHORTEST} characters or more")
    _secrets.add(value)
    return value


class _Ears(logging.Handler):
    """Keeps each line once."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.since_test_began: set[str] = set()
        self.whole_run: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[0] is not None:
            line += "\n" + "".join(traceback.format_exception(*record.exc_info))
        self.since_test_began.add(line)


_ears = _Ears()


def _handle(lines: set[str]) -> list[str]:
    """The lines that hold a secret, without it."""
    found = []
    for line in lines.copy():  # native threads may log meanwhile
        for one in _secrets:
            if one in line:
                found.append(line.replace(one, "<the secret>"))
                break
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Listens from the first test on."""
    logging.getLogger().addHandler(_ears)
    config.add_cleanup(lambda: logging.getLogger().removeHandler(_ears))
    for name in _HEARD:
        logging.getLogger(name).setLevel(logging.DEBUG)

    patch = pytest.MonkeyPatch()
    init = pydantic.SecretStr.__init__

    def remembering(self: pydantic.SecretStr, value: str) -> None:
        if isinstance(value, str) and len(value) >= _SHORTEST:
            _secrets.add(value)
        init(self, value)

    patch.setattr(pydantic.SecretStr, "__init__", remembering)
    config.add_cleanup(patch.undo)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Once more at the end: a secret may have become known after it was logged."""
    _ears.whole_run |= _ears.since_test_began
    found = _handle(_ears.whole_run)
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line("")
            for line in found[:10]:
                reporter.write_line(f"a secret was logged: {line[:500]}", red=True)


@pytest.fixture(autouse=True)
def no_secret_logged() -> Iterator[None]:
    """Fails the test in which a secret was logged."""
    yield
    found = _handle(_ears.since_test_began)
    _ears.whole_run |= _ears.since_test_began - set(found)
    _ears.since_test_began.clear()
    if found:
        pytest.fail("a secret was logged: " + "\n".join(found)[:2000], pytrace=False)


@pytest.fixture(name="secret")
def register_secret() -> Callable[[str], str]:
    """`secret("a value")`: registers it and returns it."""
    return secret
