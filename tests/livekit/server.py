"""Runs a command with a real livekit-server beside it.

    python tests/livekit/server.py [--skip-without-server] -- COMMAND…

for example, and this is what `nox -s livekit` runs:

    python tests/livekit/server.py -- python -m pytest -m livekit_server -rs tests transports

The server is built into .cache/livekit-server/ once, started on loopback on free ports, and stopped
whatever happens; the command's exit status is ours. Where it can't be built, that is said and the
status is 1, or 0 with `--skip-without-server`: never silently.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from real_livekit import CannotBuildError, RealServer, build, environment_for


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument(
        "--skip-without-server",
        action="store_true",
        help="succeed, saying so, where no server can be built",
    )
    parser.add_argument("command", nargs="+", help="what to run, after --")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _ended)
    try:
        binary = build()
    except CannotBuildError as error:
        print(error, file=sys.stderr)
        if arguments.skip_without_server:
            print("SKIPPED: nothing was run, as --skip-without-server asks for", file=sys.stderr)
            return 0
        print("Install Go, or give --skip-without-server.", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="livekit-") as folder,
        RealServer(binary, Path(folder)) as server,
    ):
        environment = {**os.environ, **environment_for(server)}
        return subprocess.run(arguments.command, env=environment, check=False).returncode


def _ended(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)


if __name__ == "__main__":
    raise SystemExit(main())
