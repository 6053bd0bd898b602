"""Control of a running simulator from another process of the same user.

The simulator listens on a loopback port of its own, and writes it with a token to a file that only
the user can read. Whoever has the token can have visitors speak and make faults, nothing else.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
from aiohttp import web

from akool_async.errors import (
    AkoolError,
    ConfigurationError,
    InvalidParameterError,
    NotFoundError,
)
from akool_async.simulator.controls import SimulatorControls
from akool_async.simulator.sessions import SimSession

__all__ = ["ControlServer", "call"]

#: Seconds that a call may take; one that waits for a client answers earlier.
_TIMEOUT: Final = 30.0
_READY: Final = 10.0
#: Types that options of faults may have, by their annotations.
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "float": (int, float),
    "int": (int,),
    "str": (str,),
}
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+")
#: The service's code for what there isn't.
_NOT_FOUND: Final = 1008

Call = Callable[[Mapping[str, Any]], Awaitable[list[dict[str, Any]]]]


class ControlServer:
    """Lets other processes of this user control a simulator. Use by `async with`.

    Args:
        simulator: one that runs.
        port: the simulator's; what it is found by.
    """

    def __init__(self, simulator: SimulatorControls, port: int) -> None:
        self._simulator = simulator
        self._port = port
        self._token = secrets.token_urlsafe(24)
        self._runner: web.AppRunner | None = None
        self._calls: dict[str, Call] = {
            "/hear": self._hear,
            "/fault": self._fault,
            "/sessions": self._sessions,
        }

    async def __aenter__(self) -> Self:
        """Listens, and writes the file.

        Raises:
            ConfigurationError: the file can't be written, or others could read it.
        """
        app = web.Application()
        app.router.add_post("/{name}", self._answer)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            _write(self._port, {"port": runner.addresses[0][1], "token": self._token})
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        return self

    async def __aexit__(self, *exc: object) -> None:
        with suppress(ConfigurationError, OSError):
            _file(self._port).unlink(missing_ok=True)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return web.json_response({"error": "wrong token"}, status=401)
        handle = self._calls.get(request.path)
        if handle is None:
            return web.json_response({"error": f"there is no {request.path}"}, status=404)
        try:
            items = await handle(await request.json())
        except (LookupError, RuntimeError, TimeoutError, ValueError) as error:
            text = str(error.args[0]) if error.args else type(error).__name__
            wrong = isinstance(error, ValueError)
            missing = isinstance(error, LookupError)
            return web.json_response(
                {"error": text, "wrong": wrong}, status=404 if missing else 409
            )
        return web.json_response({"items": items})

    async def _hear(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        session = self._find(wanted)
        if session.api == "v4":
            await self._simulator.until_ready(session, timeout=_READY)
        await self._simulator.user_says(session, str(wanted["text"]))
        return [_shown(session, self._simulator)]

    async def _fault(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        session, name = self._find(wanted), str(wanted["name"])
        room, options = self._simulator.room(session), dict(wanted.get("options") or {})
        if name in room.faults:
            _check_options(f"{name} in a {room.kind} room", room.faults[name], options)
        try:
            await self._simulator.fault(session, name, **options)
        except (TypeError, AttributeError, LookupError) as error:
            raise ValueError(f"{name}: a wrong value of an option: {error}") from error
        return [_shown(session, self._simulator)]

    async def _sessions(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        del wanted
        return [_shown(session, self._simulator) for session in self._simulator.sessions.values()]

    def _find(self, wanted: Mapping[str, Any]) -> SimSession:
        """The session that is named, else the newest open one."""
        name = wanted.get("session")
        if name is None:
            if not self._simulator.open_sessions:
                raise LookupError("no session is open in the simulator")
            return self._simulator.open_sessions[-1]
        found = self._simulator.sessions.get(str(name))
        if found is None:
            raise LookupError(
                f"the simulator has no session {name}; akool simulator sessions lists those it has"
            )
        if found not in self._simulator.open_sessions:
            raise LookupError(f"the session {name} has ended")
        return found


def _check_options(fault: str, make: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Raises `ValueError`, which names its options, where `make` can't be called with these."""
    signature = inspect.signature(make)
    try:
        signature.bind(**options)
    except TypeError as error:
        known = ", ".join(signature.parameters) or "no option"
        raise ValueError(f"{fault} takes {known}: {error}") from error
    for name, value in options.items():
        kinds = _KINDS.get(str(signature.parameters[name].annotation))
        if kinds is not None and type(value) not in kinds:
            raise ValueError(f"{fault}: {name} is {value!r}, not {kinds[-1].__name__}")


def _shown(session: SimSession, simulator: SimulatorControls) -> dict[str, Any]:
    now = simulator.clock.now()
    return {
        "_id": session.id,
        "version": session.api,
        "status": session.status(now),
        "stream_type": session.stream_type,
        "avatar_id": session.avatar_id,
        "age": round(now - session.created, 1),
    }


async def call(port: int, name: str, /, **wanted: Any) -> list[dict[str, Any]]:
    """Controls the simulator of this user that serves on a port.

    Args:
        port: the simulator's.
        name: "hear" (`text`, `session`), "fault" (`name`, `options`, `session`), or "sessions".
        wanted: what it takes; without a session the newest open one is meant.

    Returns:
        The sessions that it was about.

    Raises:
        ConfigurationError: no simulator of this user runs there, or its file can't be read.
        InvalidParameterError: an unknown fault, a wrong option.
        NotFoundError: no such session, or none that is open.
        AkoolError: it couldn't be done otherwise; the simulator ended meanwhile.
    """
    nothing = ConfigurationError(
        f"No simulator of yours runs on port {port}. Start one: akool simulator; where it has "
        "another port, name it by --port."
    )
    try:
        control, token = _read(port)
    except FileNotFoundError:
        raise nothing from None
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as http,
            http.post(f"http://127.0.0.1:{control}/{name}", json=wanted) as response,
        ):
            answer = await _answered(response)
    except TimeoutError:
        raise AkoolError(f"The simulator didn't answer within {_TIMEOUT:g} s.") from None
    except aiohttp.ClientConnectorError:
        raise nothing from None  # it was killed, and its file was left
    except aiohttp.ClientError as error:
        raise AkoolError(
            f"The simulator ended before it answered ({type(error).__name__})."
        ) from error
    if response.status == web.HTTPInternalServerError.status_code:
        raise AkoolError("The simulator failed; its own terminal says why.")
    if answer is None or response.status == web.HTTPUnauthorized.status_code:
        raise nothing  # another program has the port of one that was killed
    problem = str(answer.get("error"))
    if answer.get("wrong"):
        raise InvalidParameterError(name, problem)
    if response.status == web.HTTPNotFound.status_code:
        raise NotFoundError(_NOT_FOUND, problem)
    if response.status != web.HTTPOk.status_code:
        raise AkoolError(problem)
    items: list[dict[str, Any]] = answer["items"]
    return items


async def _answered(response: aiohttp.ClientResponse) -> dict[str, Any] | None:
    """The answer; `None` where no simulator gave it."""
    try:
        answer = await response.json()
    except (aiohttp.ContentTypeError, ValueError):
        return None
    return answer if isinstance(answer, dict) and answer.keys() & {"items", "error"} else None


def _read(port: int) -> tuple[int, str]:
    """The control's port and token.

    Raises:
        FileNotFoundError: no simulator has written them.
        ConfigurationError: they can't be read.
    """
    path = _file(port)
    try:
        place = json.loads(path.read_bytes())
        control, token = place["port"], place["token"]
        if type(control) is int and 0 < control < 2**16 and _TOKEN.fullmatch(token):
            return control, token
        problem = "it isn't as a simulator writes it"
    except FileNotFoundError:
        raise
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except (ValueError, RecursionError, LookupError, TypeError):
        problem = "it isn't as a simulator writes it"
    raise ConfigurationError(
        f"{path} can't be read: {problem}. Remove it, and start akool simulator again."
    )


def _folder() -> Path:
    """Where the files are: a folder that is this user's alone.

    Raises:
        ConfigurationError: others could read or change it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        folder = Path(runtime, "akool")
    elif hasattr(os, "getuid"):
        folder = Path(tempfile.gettempdir(), f"akool-{os.getuid()}")
    else:
        folder = Path(tempfile.gettempdir(), "akool")  # Windows: it is the user's already
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ConfigurationError(f"{folder} can't be made: {error.strerror}.") from error
    if hasattr(os, "getuid") and (
        not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077
    ):
        raise ConfigurationError(f"{folder} isn't yours alone. Remove it, or chmod 700 {folder}")
    return folder


def _file(port: int) -> Path:
    return _folder() / f"simulator-{port}.json"


def _write(port: int, place: Mapping[str, Any]) -> None:
    """Writes the file, in one step, readable by this user alone."""
    path = _file(port)
    new = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(place, file)
        new.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from error
