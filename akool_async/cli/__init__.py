"""The `akool` command; an extra, so that the library itself needs neither typer nor rich."""

from __future__ import annotations

import sys

from akool_async.errors import MissingDependencyError

__all__ = ["INSTALL", "main"]

INSTALL = 'pip install "akool-async[cli]"'

#: The exit status of a program that SIGINT ended.
_INTERRUPTED = 130


def main() -> int:
    """Runs the command line; returns the exit status, 2 where the extra isn't installed."""
    try:
        import rich  # noqa: F401 - only to see whether it is there
        import typer  # noqa: F401
    except ImportError as error:
        missing = MissingDependencyError(f"The akool command needs {error.name}.", install=INSTALL)
        sys.stderr.write(f"{missing}\n")
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED
    try:
        from akool_async.cli.app import run

        return run()
    except KeyboardInterrupt:  # while it is imported, or finds its commands
        return _INTERRUPTED
