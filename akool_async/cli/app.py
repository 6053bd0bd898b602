"""The commands and their options; what each does stands in a module of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Annotated, Any, cast

import typer

import akool_async
from akool_async.cli import catalogue, chat, demo, knowledge, sessions, simulator
from akool_async.cli.options import (
    AsJson,
    Limit,
    LiveKitKey,
    LiveKitSecret,
    LiveKitUrl,
    TransportName,
    Url,
)
from akool_async.cli.running import Command, run_command
from akool_async.cli.terminal import set_up_logging

__all__ = ["app", "run"]

app = typer.Typer(
    name="akool",
    help="Talk with AKOOL streaming avatars, or with a simulated one on this machine.",
    no_args_is_help=True,
    # Its tracebacks would print local variables, keys among them.
    pretty_exceptions_enable=False,
    add_completion=False,
)
session_app = typer.Typer(help="Live sessions: an open one costs credits.", no_args_is_help=True)
knowledge_app = typer.Typer(help="Knowledge bases.", no_args_is_help=True)
app.add_typer(session_app, name="sessions")
app.add_typer(knowledge_app, name="knowledge")


#: Entry points of other distributions' command groups, each a `typer.Typer`.
COMMANDS_GROUP = "akool_async.commands"


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
    set_up_logging()
    add_commands_of_others(sys.argv[1:])
    try:
        app(prog_name="akool")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _do(command: Command) -> None:
    raise typer.Exit(run_command(command))


def _status(number: int | None) -> sessions.Status | None:
    return cast("sessions.Status | None", number)  # typer has checked the range


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"akool_async {akool_async.__version__}\n")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Talk with AKOOL streaming avatars, or with a simulated one on this machine."""
    del version


@app.command("demo")
def demo_command(
    transport: TransportName = "livekit",
    livekit_url: LiveKitUrl = None,
    livekit_api_key: LiveKitKey = None,
    livekit_api_secret: LiveKitSecret = None,
) -> None:
    """A whole conversation with a simulated avatar: no account, no network, a few seconds."""
    options = (livekit_url, livekit_api_key, livekit_api_secret)
    _do(lambda: demo.demo(transport, options))


@app.command("chat")
def chat_command(
    avatar: Annotated[str, typer.Option("--avatar", help="The avatar's id.")] = chat.AVATAR,
    transport: TransportName = "livekit",
    simulated: Annotated[
        bool, typer.Option("--simulator", help="Talk with a simulated avatar; costs nothing.")
    ] = False,
    mode: Annotated[int, typer.Option(min=1, max=2, help="1 says your text, 2 answers.")] = 2,
    lang: Annotated[str | None, typer.Option(help="Language code, for example en.")] = None,
    voice: Annotated[str | None, typer.Option(help="Voice id.")] = None,
    knowledge_id: Annotated[str | None, typer.Option("--knowledge", help="Its id.")] = None,
    duration: Annotated[
        int, typer.Option(min=1, max=3600, help="Seconds after which the session ends.")
    ] = 600,
    url: Url = None,
) -> None:
    """Type to an avatar; its reply streams out. /help lists what else can be typed.

    Ctrl-C interrupts the avatar, twice leaves. The session is closed however the command ends.
    """
    wanted = chat.Wanted(avatar, transport, mode, lang, voice, knowledge_id, duration, url)
    _do(lambda: chat.chat(wanted, simulated=simulated))


@app.command("simulator")
def simulator_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8787,
    livekit_url: LiveKitUrl = None,
    livekit_api_key: LiveKitKey = None,
    livekit_api_secret: LiveKitSecret = None,
    behavior: Annotated[
        str | None,
        typer.Option(help="How the service behaves: preset, presets joined by +, or JSON file."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="A web page's origin that may use it.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name it is called by, for example a container's.")
    ] = None,
) -> None:
    """A local AKOOL for programs under development; runs until Ctrl-C."""
    livekit = (livekit_url, livekit_api_key, livekit_api_secret)
    options = simulator.SimulatorOptions(
        host, port, livekit, behavior, allow_origin or (), allow_host or ()
    )
    _do(lambda: simulator.serve(options))


@app.command("avatars")
def avatars_command(limit: Limit = 100, url: Url = None, as_json: AsJson = False) -> None:
    """Streaming avatars that a session can be opened with."""
    _do(lambda: catalogue.avatars(url, limit=limit, as_json=as_json))


@app.command("voices")
def voices_command(
    cloned: Annotated[bool, typer.Option("--cloned", help="Your cloned voices.")] = False,
    gender: Annotated[str | None, typer.Option(help="For example Female.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Only voices that sessions can use.")
    ] = False,
    limit: Limit = 100,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Voices."""
    filters: dict[str, Any] = {"gender": gender, "name": name}
    if streaming:
        filters["support_stream"] = True
    _do(lambda: catalogue.voices(url, cloned=cloned, filters=filters, limit=limit, as_json=as_json))


@app.command("languages")
def languages_command(url: Url = None, as_json: AsJson = False) -> None:
    """Languages and their codes."""
    _do(lambda: catalogue.languages(url, as_json=as_json))


@session_app.command("list")
def sessions_list(
    status: Annotated[
        int | None,
        typer.Option(min=1, max=4, help="1 queueing, 2 running, 3 completed, 4 failed."),
    ] = None,
    limit: Limit = 100,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Sessions, newest first."""
    _do(lambda: sessions.show_sessions(url, status=_status(status), limit=limit, as_json=as_json))


@session_app.command("close")
def sessions_close(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Sessions to close.")],
    url: Url = None,
) -> None:
    """Close sessions by their ids."""
    _do(lambda: sessions.close(url, ids))


@session_app.command("close-all")
def sessions_close_all(url: Url = None) -> None:
    """Close every session that is queueing or running, whoever opened it."""
    _do(lambda: sessions.close_all(url))


@knowledge_app.command("list")
def knowledge_list(limit: Limit = 100, url: Url = None, as_json: AsJson = False) -> None:
    """Knowledge bases, newest first."""
    _do(lambda: knowledge.show_all(url, limit=limit, as_json=as_json))


@knowledge_app.command("show")
def knowledge_show(
    knowledge_id: Annotated[str, typer.Argument(metavar="ID")], url: Url = None
) -> None:
    """One knowledge base, whole, as JSON."""
    _do(lambda: knowledge.show_one(url, knowledge_id))


@knowledge_app.command("create")
def knowledge_create(
    name: Annotated[str, typer.Argument(help="Unique, at most 100 characters.")],
    prompt: Annotated[str | None, typer.Option(help="The role, at most 10000 characters.")] = None,
    prologue: Annotated[str | None, typer.Option(help="Said first, at most 2000.")] = None,
    link: Annotated[list[str] | None, typer.Option("--link", help="A page; repeatable.")] = None,
    url: Url = None,
) -> None:
    """Make a knowledge base; prints its id."""
    _do(lambda: knowledge.create(url, name=name, prompt=prompt, prologue=prologue, urls=link))


@knowledge_app.command("delete")
def knowledge_delete(
    knowledge_id: Annotated[str, typer.Argument(metavar="ID")], url: Url = None
) -> None:
    """Delete a knowledge base."""
    _do(lambda: knowledge.delete(url, knowledge_id))
