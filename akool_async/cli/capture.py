"""`akool chat --capture`: the packets of a session in a file, for `Simulator.replay`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from akool_async.cli.simulator import needed_for
from akool_async.cli.terminal import Printer
from akool_async.errors import ConfigurationError, InvalidParameterError
from akool_async.transport import load_transport, tapped

__all__ = ["CaptureOptions", "captured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOptions:
    """Whether the session's packets are kept, and with what was said."""

    capture: Annotated[
        str | None,
        typer.Option(
            "--capture", metavar="FILE", help="Keep the packets for Simulator.replay, no secrets."
        ),
    ] = None
    capture_texts: Annotated[
        bool, typer.Option("--capture-texts", help="With what was said; else only its length.")
    ] = False


@contextlib.contextmanager
def captured(wanted: CaptureOptions, transport: str, out: Printer) -> Iterator[dict[str, Any]]:
    """While it lasts, packets are kept; then the file is written, however it ends.

    Gives what `open_session` needs for it.

    Raises:
        InvalidParameterError: `--capture-texts` alone.
        ConfigurationError: the file can't be written; said before a session is paid for.
    """
    path = wanted.capture
    if path is None:
        if wanted.capture_texts:
            raise InvalidParameterError("--capture-texts", "goes with --capture FILE")
        yield {}
        return
    with needed_for("What writes captures"):
        from akool_async.simulator.capture import Capture
    found = load_transport(transport)
    try:
        with Path(path).open("a"):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error
    capture = Capture(dialect=found.dialect, texts=wanted.capture_texts)
    began: float | None = None

    def note(direction: Literal["sent", "received"], packet: bytes) -> None:
        nonlocal began
        now = time.monotonic()
        began = now if began is None else began
        capture.add(now - began, direction, packet)

    try:
        yield {"transport": tapped(found, note)}
    finally:
        try:
            capture.write(path)
        except OSError as error:
            raise _unwritable(path, error) from error
        out.line(f"{len(capture.packets)} packets are in {path}: Simulator.replay({path!r})")


def _unwritable(path: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"--capture {path} can't be written: {error.strerror}")
