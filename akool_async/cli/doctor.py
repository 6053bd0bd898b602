"""`akool doctor`: what a session needs, checked one by one; each line says what to do."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from aiohttp import ClientError, ClientSession, ClientTimeout

import akool_async
from akool_async.cli import settings
from akool_async.cli.failures import FAILED, USAGE, explain, status_of
from akool_async.cli.options import Service
from akool_async.cli.records import show_json
from akool_async.cli.terminal import printer
from akool_async.cli.transports import check_transports
from akool_async.client import AkoolClient
from akool_async.errors import AkoolError, ConfigurationError
from akool_async.transport.file_limit import open_files

__all__ = ["Check", "doctor"]

#: Seconds for each question over the network.
_TIMEOUT: Final = 10.0
#: Seconds; Agora's and LiveKit's tokens are refused on a machine whose clock is further off.
_SKEW: Final = 30.0
#: Files that one process should be able to open: a room takes up to a hundred.
_FILES: Final = 1024


@dataclass(frozen=True, slots=True)
class Check:
    """One line: "ok", "warning" (a session may still work) or "failed"."""

    name: str
    state: Literal["ok", "warning", "failed"]
    text: str
    status: int = 0


async def doctor(service: Service) -> int:
    """Runs every check; the status is that of the first that failed."""
    out = printer()
    checks: list[Check] = []
    async for check in _checks(service.url):
        checks.append(check)
        if not service.as_json:
            out.line(f"{check.state:<8} {check.name:<12} {check.text}")
    if service.as_json:
        show_json([{"check": one.name, "state": one.state, "message": one.text} for one in checks])
    return next((one.status for one in checks if one.status), 0)


async def _checks(url: str | None) -> AsyncIterator[Check]:
    yield Check(
        "versions",
        "ok",
        f"akool_async {akool_async.__version__}, Python {platform.python_version()}",
    )
    yield _file_limit()
    for state in check_transports():
        if state.usable:
            yield Check(state.name, "ok", "rooms of this kind can be joined")
        else:
            yield Check(state.name, "warning", f"can't be joined: {state.problem}")
    try:
        client = settings.client(url, timeout=_TIMEOUT, max_retries=0)
    except ConfigurationError as error:
        yield Check("credentials", "failed", str(error), USAGE)
        return
    async with client as akool:
        yield Check("credentials", "ok", f"found in {settings.source()}")
        yield await _clock(akool.base_url)
        yield await _account(akool)


async def _clock(base_url: str) -> Check:
    """Whether the service is reached, and how far the clocks are apart."""
    timeout = ClientTimeout(total=_TIMEOUT)
    try:
        async with (
            ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(base_url, allow_redirects=False) as answer,
        ):
            date = answer.headers.get("Date", "")
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        text = (
            f"{base_url} isn't reached ({type(error).__name__}). Check the network, the proxy "
            "variables (HTTPS_PROXY) and AKOOL_API_URL."
        )
        return Check("service", "failed", text, FAILED)
    try:
        skew = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return Check("service", "ok", f"{base_url} is reached; it doesn't say its time")
    if abs(skew) > _SKEW:
        way = "ahead of" if skew > 0 else "behind"
        text = (
            f"{base_url} is reached, but this machine's clock is {abs(skew):.0f} s {way} it: "
            "set the clock, tokens are refused otherwise"
        )
        return Check("service", "warning", text)
    return Check("service", "ok", f"{base_url} is reached; the clocks agree")


async def _account(akool: AkoolClient) -> Check:
    """Whether the credentials are accepted, and what is left to pay sessions with."""
    try:
        credits_left = await akool.account.credits()
    except AkoolError as error:  # of a key that isn't accepted it says what to do
        return Check("account", "failed", explain(error), status_of(error))
    if credits_left <= 0:
        return Check("account", "warning", "no credits are left: sessions can't be created")
    return Check(
        "account", "ok", f"the credentials are accepted; {credits_left:,.12g} credits left"
    )


def _file_limit() -> Check:
    try:
        import resource
    except ImportError:  # Windows
        return Check("files", "ok", "this system has no limit of open files")
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit in (resource.RLIM_INFINITY, -1) or limit >= _FILES:
        return Check("files", "ok", f"{limit} files may be open, {open_files()} are")
    text = f"only {limit} files may be open: for several rooms run ulimit -n {_FILES} first"
    return Check("files", "warning", text)
