"""The groups of commands about records: avatars, sessions, voices, knowledge bases."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

import typer

from akool_async.cli import avatars, knowledge, sessions, voices
from akool_async.cli.chat import SessionOptions
from akool_async.cli.options import (
    AsJson,
    Avatar,
    Duration,
    Id,
    Ids,
    Knowledge,
    Language,
    Limit,
    Mode,
    PageNumber,
    Timeout,
    TransportName,
    Url,
    Voice,
)
from akool_async.cli.running import Command, run_command

__all__ = ["avatar_app", "do", "knowledge_app", "legacy_app", "session_app", "voice_app"]

avatar_app = typer.Typer(help="Avatars.", no_args_is_help=True)
session_app = typer.Typer(help="Live sessions: an open one costs credits.", no_args_is_help=True)
legacy_app = typer.Typer(help="Sessions of version 3 (the chat room).", no_args_is_help=True)
voice_app = typer.Typer(help="Voices.", no_args_is_help=True)
knowledge_app = typer.Typer(help="Knowledge bases.", no_args_is_help=True)

_WAIT = 1800.0
Name = Annotated[str, typer.Option("--name", help="For people.")]
StatusName = Annotated[
    str | None, typer.Option("--status", help="queueing, running, completed, failed; or 1 to 4.")
]
Prompt = Annotated[str | None, typer.Option(help="The avatar's role, at most 10000 characters.")]
Prologue = Annotated[str | None, typer.Option(help="What it says first, at most 2000 characters.")]
Links = Annotated[list[str] | None, typer.Option("--link", help="A page to read; repeatable.")]


def do(command: Command, *, as_json: bool = False) -> None:
    """Runs a command's coroutine and ends with its status."""
    raise typer.Exit(run_command(command, as_json=as_json))


def _status(text: str | None) -> sessions.Status | None:
    if text is None:
        return None
    names = dict(sessions.STATUSES)
    for number in sessions.STATUSES.values():
        names[str(number)] = number
    if text.lower() not in names:
        raise typer.BadParameter(
            f"{text!r} isn't one of {', '.join(names)}", param_hint="'--status'"
        )
    return names[text.lower()]


@avatar_app.command("list")
def avatars_list(
    page: PageNumber = 1, limit: Limit = 100, url: Url = None, as_json: AsJson = False
) -> None:
    """Streaming avatars that a session can be opened with."""
    do(lambda: avatars.show_avatars(url, page=page, limit=limit, as_json=as_json), as_json=as_json)


@avatar_app.command("show")
def avatars_show(avatar_id: Id, url: Url = None, as_json: AsJson = False) -> None:
    """One streaming avatar, by its avatar_id."""
    do(lambda: avatars.show_avatar(url, avatar_id, as_json=as_json), as_json=as_json)


@avatar_app.command("upload")
def avatars_upload(
    link: Annotated[str, typer.Argument(metavar="URL", help="A video of about a minute.")],
    avatar_id: Annotated[str, typer.Option("--id", help="Its avatar_id: letters and digits.")],
    name: Name,
    url_from: Annotated[
        int, typer.Option(min=1, max=2, help="1 a file's link; 2 YouTube, TikTok, X, Google Drive.")
    ] = 1,
    timeout: Timeout = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make an avatar from a video."""
    source = cast("Literal[1, 2]", url_from)  # typer has checked the range
    do(
        lambda: avatars.upload(
            url,
            link,
            avatar_id=avatar_id,
            name=name,
            url_from=source,
            timeout=timeout,
            as_json=as_json,
        ),
        as_json=as_json,
    )


@avatar_app.command("wait")
def avatars_wait(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="Its _id, as upload prints it.")],
    timeout: Annotated[float, typer.Option(min=1, help="Seconds.")] = _WAIT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Wait until an uploaded avatar can be used."""
    do(lambda: avatars.wait(url, record_id, timeout=timeout, as_json=as_json), as_json=as_json)


def _sessions_list(
    version: int, status: str | None, page: int, limit: int, url: str | None, *, as_json: bool
) -> None:
    wanted = _status(status)
    do(
        lambda: sessions.show_sessions(
            url, version=version, status=wanted, page=page, limit=limit, as_json=as_json
        ),
        as_json=as_json,
    )


@session_app.command("list")
def sessions_list(
    status: StatusName = None,
    page: PageNumber = 1,
    limit: Limit = 100,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Sessions with avatar, age and duration. For version 3: akool legacy-sessions list."""
    _sessions_list(4, status, page, limit, url, as_json=as_json)


@legacy_app.command("list")
def legacy_list(
    status: StatusName = None,
    page: PageNumber = 1,
    limit: Limit = 100,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Sessions of version 3. To close one: akool sessions close ID."""
    _sessions_list(3, status, page, limit, url, as_json=as_json)


@session_app.command("show")
def sessions_show(session_id: Id, url: Url = None, as_json: AsJson = False) -> None:
    """One session, of version 4 or 3, without its tokens."""
    do(lambda: sessions.show_session(url, session_id, as_json=as_json), as_json=as_json)


@session_app.command("create")
def sessions_create(
    avatar: Avatar = None,
    transport: TransportName = "livekit",
    mode: Mode = None,
    language: Language = None,
    voice: Voice = None,
    knowledge_id: Knowledge = None,
    duration: Duration = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Create a session and leave it open: it costs until it ends. Prints its id.

    With --json the room's credentials are printed, too: they let one join it.
    """
    wanted = SessionOptions(avatar, transport, mode, language, voice, knowledge_id, duration, url)
    do(lambda: sessions.create(wanted, as_json=as_json), as_json=as_json)


@session_app.command("close")
def sessions_close(ids: Ids, url: Url = None, as_json: AsJson = False) -> None:
    """Close sessions, of version 4 or 3, by their ids."""
    do(lambda: sessions.close(url, ids, as_json=as_json), as_json=as_json)


@session_app.command("close-all")
def sessions_close_all(
    avatar: Annotated[
        str | None, typer.Option("--avatar", help="Only sessions of this avatar.")
    ] = None,
    newer_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only younger ones: 90, 10m, 2h, 1d.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only older ones: 90, 10m, 2h, 1d.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Close every session of version 4 and 3 that is queueing or running, whoever opened it."""
    filters = sessions.Filters(avatar, newer_than, older_than)
    do(lambda: sessions.close_all(url, filters, yes=yes, as_json=as_json), as_json=as_json)


@voice_app.command("list")
def voices_list(
    cloned: Annotated[bool, typer.Option("--cloned", help="Your cloned voices.")] = False,
    gender: Annotated[str | None, typer.Option(help="For example Female.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Only voices that sessions can use.")
    ] = False,
    page: PageNumber = 1,
    limit: Limit = 100,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Voices."""
    filters: dict[str, Any] = {"gender": gender, "name": name}
    if streaming:
        filters["support_stream"] = True
    do(
        lambda: voices.show_voices(
            url, cloned=cloned, filters=filters, page=page, limit=limit, as_json=as_json
        ),
        as_json=as_json,
    )


@voice_app.command("clone")
def voices_clone(
    link: Annotated[str, typer.Argument(metavar="URL", help="The recording.")],
    name: Name,
    gender: Annotated[str | None, typer.Option(help="Male or Female.")] = None,
    timeout: Timeout = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make a voice from a recording."""
    do(
        lambda: voices.clone(url, link, name=name, gender=gender, timeout=timeout, as_json=as_json),
        as_json=as_json,
    )


@voice_app.command("delete")
def voices_delete(ids: Ids, url: Url = None, as_json: AsJson = False) -> None:
    """Delete cloned voices, by their _id."""
    do(lambda: voices.delete(url, ids, as_json=as_json), as_json=as_json)


@knowledge_app.command("list")
def knowledge_list(
    page: PageNumber = 1, limit: Limit = 100, url: Url = None, as_json: AsJson = False
) -> None:
    """Knowledge bases, newest first."""
    do(
        lambda: knowledge.show_bases(url, page=page, limit=limit, as_json=as_json),
        as_json=as_json,
    )


@knowledge_app.command("show")
def knowledge_show(knowledge_id: Id, url: Url = None, as_json: AsJson = False) -> None:
    """One knowledge base."""
    do(lambda: knowledge.show_base(url, knowledge_id, as_json=as_json), as_json=as_json)


@knowledge_app.command("create")
def knowledge_create(
    name: Annotated[str, typer.Argument(help="Unique, at most 100 characters.")],
    prompt: Prompt = None,
    prologue: Prologue = None,
    links: Links = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make a knowledge base; prints its id."""
    do(
        lambda: knowledge.create(
            url, name=name, prompt=prompt, prologue=prologue, links=links or (), as_json=as_json
        ),
        as_json=as_json,
    )


@knowledge_app.command("update")
def knowledge_update(
    knowledge_id: Id,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    prompt: Prompt = None,
    prologue: Prologue = None,
    links: Links = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Change a knowledge base; what isn't given stays."""
    do(
        lambda: knowledge.update(
            url,
            knowledge_id,
            name=name,
            prompt=prompt,
            prologue=prologue,
            links=links or (),
            as_json=as_json,
        ),
        as_json=as_json,
    )


@knowledge_app.command("delete")
def knowledge_delete(knowledge_id: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Delete a knowledge base."""
    do(lambda: knowledge.delete(url, knowledge_id, as_json=as_json), as_json=as_json)
