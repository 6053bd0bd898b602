"""`akool probe`: looks how the service behaves, prints a table, and writes `behavior.json`."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from akool_async.cli.lines import Lines, typed
from akool_async.cli.options import Avatar, Simulated, Url
from akool_async.cli.settings import client
from akool_async.cli.simulator import load_simulator, needed_for
from akool_async.cli.terminal import Printer, as_it_is, note, printer
from akool_async.client import AkoolClient
from akool_async.errors import ConfigurationError, InvalidParameterError

if TYPE_CHECKING:
    from akool_async.probe import ProbeReport
    from akool_async.probe.script import Speak

__all__ = ["ProbeOptions", "probe"]

#: Seconds per word of the simulated avatar: slow enough to see what comes at once.
_PACE: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """What is looked at, and where the result goes."""

    stream_type: Annotated[str, typer.Option("--stream-type", help="livekit, agora or trtc.")] = (
        "livekit"
    )
    legacy: Annotated[
        bool, typer.Option("--legacy", help="A version 3 session in its chat room.")
    ] = False
    avatar: Avatar = None
    microphone: Annotated[
        bool, typer.Option("--microphone", help="You speak two sentences, when asked to.")
    ] = False
    speech: Annotated[
        str | None,
        typer.Option("--speech", metavar="FILE", help="The avatar hears this recording instead."),
    ] = None
    output: Annotated[
        str, typer.Option("--output", metavar="FILE.json", help="Where the switches go.")
    ] = "behavior.json"
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False
    url: Url = None
    simulated: Simulated = False


async def probe(wanted: ProbeOptions) -> int:
    """Says what it costs and asks, runs the script, prints the table, writes the file."""
    with needed_for("What the probe needs"):
        from akool_async import probe as probing
    output = _checked_output(wanted.output)
    out = printer()
    speak = await _speech(wanted, out)
    async with AsyncExitStack() as stack:
        if wanted.simulated:
            sim = await stack.enter_async_context(load_simulator()(pace=_PACE))
            akool = AkoolClient("any", base_url=sim.url)
        else:
            akool = client(wanted.url)
        await stack.enter_async_context(akool)
        options: dict[str, Any] = {
            "avatar_id": wanted.avatar,
            "stream_type": wanted.stream_type,
            "legacy": wanted.legacy,
            "speak": speak,
        }
        run = probing.Probe(akool, **options, on_step=lambda step: out.line(f"  {step} …"))
        if not wanted.simulated and not await _confirmed(wanted, probing.MOST_SECONDS, out):
            note("nothing was opened")
            return 1
        report = await run.run()
    _show(report, out)
    try:
        report.write(output)
    except OSError as error:
        raise ConfigurationError(f"{output} can't be written: {error.strerror}") from error
    out.line(f"\n{len(report.behavior)} switches are in {output}: Simulator(behavior={output!r})")
    return 0


def _checked_output(path: str) -> str:
    """Refused here, where nothing was paid for."""
    if not path.endswith(".json"):
        raise InvalidParameterError(
            "--output", f"{path!r} doesn't end in .json, by which Simulator knows a file"
        )
    if not Path(path).parent.is_dir():
        raise InvalidParameterError("--output", f"the folder of {path!r} doesn't exist")
    return path


async def _speech(wanted: ProbeOptions, out: Printer) -> Speak | None:
    if not wanted.microphone and wanted.speech is None:
        return None
    if wanted.microphone and wanted.speech is not None:
        raise InvalidParameterError("--speech", "takes the place of --microphone, give one")
    if wanted.legacy or wanted.stream_type != "livekit":
        option = "--microphone" if wanted.microphone else "--speech"
        raise InvalidParameterError(option, "needs a room that carries sound: livekit")
    from akool_async.probe.speech import microphone_speech, recorded_speech

    if wanted.speech is not None:
        return await recorded_speech(wanted.speech)
    return microphone_speech(lambda text: out.line(text, style="bold"))


async def _confirmed(wanted: ProbeOptions, seconds: int, out: Printer) -> bool:
    what = "one legacy session" if wanted.legacy else "three sessions, one after another"
    out.line(f"This opens {what}, and uses the credits of {seconds} s at most.")
    if wanted.yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError(
            "probe asks before it spends credits, and there is no terminal to ask in. "
            "Give --yes to go on without a question."
        )
    out.piece("Go on? [y/N] ")
    with Lines() as lines:
        answer = typed(await anext(lines, ""))
    return answer.strip().lower() in ("y", "yes")


def _show(report: ProbeReport, out: Printer) -> None:
    table = Table(title="how the service behaves", show_lines=False)
    for name in ("question", "seen", "our default", "agrees"):
        table.add_column(name, overflow="fold")
    said = {True: "yes", False: "NO", None: ""}
    for row in report.rows:
        agrees = said[row.agrees]
        cells = (row.question, row.seen, row.default)
        table.add_row(*map(as_it_is, cells), as_it_is(agrees, "red" if agrees == "NO" else ""))
    out.table(table)
