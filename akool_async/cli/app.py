"""The `akool` command: its options and the commands without a group."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Annotated, cast

import typer

import akool_async
from akool_async.cli import (
    account,
    chat,
    demo,
    doctor,
    groups,
    one_shot,
    probe,
    simulator,
    transports,
)
from akool_async.cli.capture import CaptureOptions
from akool_async.cli.commands import command
from akool_async.cli.failures import FAILED, report, report_usage
from akool_async.cli.options import (
    AsJson,
    ChatOptions,
    LiveKitServerOptions,
    NoMedia,
    Record,
    SayOptions,
    Service,
    SessionOptions,
    Simulated,
    Spoken,
    TransportName,
    WatchOptions,
)
from akool_async.cli.terminal import (
    OutputError,
    discard_output,
    flush_output,
    open_missing_streams,
    set_up_logging,
)

__all__ = ["app", "run"]

HELP = (
    "Talk with AKOOL streaming avatars, or with a simulated one on this machine.\n\n"
    "Credentials are read from AKOOL_API_KEY, or AKOOL_CLIENT_ID and AKOOL_CLIENT_SECRET.\n\n"
    "Exit status: 0 done; 1 failed; 2 wrong use or set-up; 3 not authenticated or not allowed; "
    "4 not found; 5 no credits; 6 busy; 128 + the number of the signal that ended it "
    "(130 Ctrl-C, 143 SIGTERM).\n\n"
    'With --json standard output holds one object with "items", "count" and "next_page"; '
    'an error is an object with "error" on standard error.'
)

app = typer.Typer(
    name="akool",
    help=HELP,
    no_args_is_help=True,
    # Its tracebacks would print local variables, keys among them.
    pretty_exceptions_enable=False,
)
app.add_typer(groups.avatar_app, name="avatars")
app.add_typer(groups.session_app, name="sessions")
app.add_typer(groups.legacy_app, name="legacy-sessions")
app.add_typer(groups.voice_app, name="voices")
app.add_typer(groups.knowledge_app, name="knowledge")
app.add_typer(groups.simulator_app, name="simulator")

#: Entry points of other distributions' command groups, each a `typer.Typer`.
COMMANDS_GROUP = "akool_async.commands"

#: The base of every error about how a command is used; where it comes from differs by typer's
#: version.
_UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])


def add_commands_of_others(arguments: Sequence[str]) -> None:
    """Adds the command groups of installed distributions.

    One is imported only if it is the one that `arguments` name: the help of `akool` shows the
    others by the summaries of their distributions.
    """
    for entry in entry_points(group=COMMANDS_GROUP):
        if list(arguments[:1]) == [entry.name]:
            app.add_typer(entry.load(), name=entry.name)
        else:
            summary = entry.dist.metadata["Summary"] if entry.dist is not None else None
            app.add_typer(typer.Typer(help=summary), name=entry.name)


def run() -> int:
    """Runs the command that the arguments name; returns the exit status."""
    open_missing_streams()
    arguments, verbose = _without_verbose(sys.argv[1:])
    set_up_logging(verbose=verbose)
    add_commands_of_others(arguments)
    as_json = "--json" in _options(arguments)
    try:
        status = _run_app(arguments, as_json=as_json)
        flush_output()  # the help's text; commands write their own at once
    except BrokenPipeError:
        discard_output()
        return FAILED
    except OSError as error:
        discard_output()
        return report(OutputError(error.errno, error.strerror), as_json=as_json)
    return status


def _without_verbose(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without --verbose, which every command takes, and whether it was there."""
    own = _options(arguments)
    kept = [one for one in own if one != "--verbose"]
    return [*kept, *arguments[len(own) :]], len(kept) < len(own)


def _options(arguments: Sequence[str]) -> Sequence[str]:
    """What comes before "--": the rest is text, whatever it looks like."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _run_app(arguments: Sequence[str], *, as_json: bool) -> int:
    if not as_json:
        try:
            app(arguments, prog_name="akool")
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else FAILED
        return 0
    try:
        ended_with = app(arguments, prog_name="akool", standalone_mode=False)
    except _UsageError as error:
        return report_usage(error.format_message())  # type: ignore[attr-defined]
    return ended_with if isinstance(ended_with, int) else 0


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"akool_async {akool_async.__version__}\n")
        raise typer.Exit


@app.callback(help=HELP)
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", help="Show requests and session events on standard error; anywhere."
        ),
    ] = False,
) -> None:
    """Holds the options that come before a command."""
    del version, verbose  # `run` has taken them


@command(app, "demo")
async def demo_command(
    livekit: LiveKitServerOptions,
    transport: TransportName = "livekit",
    record: Record = None,
    no_media: NoMedia = False,
) -> int:
    """A whole conversation with a simulated avatar: no account, no network, a few seconds."""
    return await demo.demo(transport, livekit, record=record, no_media=no_media)


@command(app, "chat")
async def chat_command(
    wanted: ChatOptions,
    watched: WatchOptions,
    kept: CaptureOptions,
    simulated: Simulated = False,
    microphone: Annotated[
        bool, typer.Option("--microphone", help="Talk to it, too, by this machine's microphone.")
    ] = False,
    speaker: Annotated[
        bool, typer.Option("--speaker", help="Hear it by this machine's loudspeaker.")
    ] = False,
    timing: Annotated[
        bool, typer.Option("--timing", help="Print after each reply how long it took.")
    ] = False,
) -> int:
    """Type to an avatar and read its replies; /help lists the commands.

    Ctrl-C interrupts the avatar, twice leaves. The session is closed however the command ends.
    """
    return await chat.chat(
        wanted,
        watched,
        kept,
        simulated=simulated,
        microphone=microphone,
        speaker=speaker,
        timing=timing,
    )


@command(app, "ask")
async def ask_command(
    text: Spoken, wanted: SessionOptions, simulated: Simulated = False, as_json: AsJson = False
) -> int:
    """Open a session, ask one question, print the reply, close the session."""
    return await one_shot.ask(text, wanted, simulated=simulated, as_json=as_json)


@command(app, "say")
async def say_command(
    text: Spoken,
    wanted: SayOptions,
    record: Record = None,
    simulated: Simulated = False,
    as_json: AsJson = False,
) -> int:
    """Open a session, have the avatar say a text, close the session when it was spoken."""
    return await one_shot.say(text, wanted, simulated=simulated, as_json=as_json, record=record)


@command(groups.simulator_app, None)
async def simulator_command(
    options: simulator.SimulatorOptions, livekit: LiveKitServerOptions
) -> int:
    """A local AKOOL for programs under development; runs until Ctrl-C.

    From another terminal, hear, fault and sessions act on the one that runs.
    """
    return await simulator.serve(options, livekit)


@command(app, "probe")
async def probe_command(wanted: probe.ProbeOptions) -> int:
    """See how the service behaves where documents leave it open; for 90 s of credits at most.

    Asks first. Prints a table, and writes a file from which the simulator behaves likewise.
    """
    return await probe.probe(wanted)


@command(app, "languages")
async def languages_command(service: Service) -> int:
    """Languages and their codes."""
    return await account.show_languages(service)


@command(app, "account")
async def account_command(service: Service) -> int:
    """The account's credits."""
    return await account.show_account(service)


@command(app, "transports")
async def transports_command(as_json: AsJson = False) -> int:
    """Which kinds of room can be joined on this machine, and what to install for the others."""
    return await transports.show_transports(as_json=as_json)


@command(app, "doctor")
async def doctor_command(service: Service) -> int:
    """Check credentials, network, clock, transports and limits; says what to do about each."""
    return await doctor.doctor(service)
