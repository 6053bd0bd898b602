"""The groups of commands about records: avatars, sessions, voices, knowledge bases."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

import typer

from akool_async.cli import avatars, knowledge, remote, sessions, voices
from akool_async.cli.commands import command
from akool_async.cli.options import AsJson, Avatar, ChatOptions, Id, Ids, Page, Service, Timeout

__all__ = ["avatar_app", "knowledge_app", "legacy_app", "session_app", "simulator_app", "voice_app"]

avatar_app = typer.Typer(help="Avatars.", no_args_is_help=True)
session_app = typer.Typer(help="Live sessions: an open one costs credits.", no_args_is_help=True)
legacy_app = typer.Typer(help="Sessions of version 3 (the chat room).", no_args_is_help=True)
voice_app = typer.Typer(help="Voices.", no_args_is_help=True)
knowledge_app = typer.Typer(help="Knowledge bases.", no_args_is_help=True)
#: What it does without a command is in app.py.
simulator_app = typer.Typer()

_WAIT = 1800.0
Name = Annotated[str, typer.Option("--name", help="For people.")]
Price = Annotated[
    float | None,
    typer.Option(
        "--credits-per-minute", min=0, help="Your price: shows what open sessions have cost."
    ),
]
StatusName = Annotated[
    str | None, typer.Option("--status", help="queueing, running, completed, failed; or 1 to 4.")
]


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


@command(avatar_app, "list")
async def avatars_list(part: Page, service: Service) -> int:
    """Streaming avatars that a session can be opened with."""
    return await avatars.show_avatars(service, part)


@command(avatar_app, "show")
async def avatars_show(avatar_id: Id, service: Service) -> int:
    """One streaming avatar, by its avatar_id."""
    return await avatars.show_avatar(service, avatar_id)


@command(avatar_app, "upload")
async def avatars_upload(
    link: Annotated[str, typer.Argument(metavar="URL", help="A video of about a minute.")],
    avatar_id: Annotated[str, typer.Option("--id", help="Its avatar_id: letters and digits.")],
    name: Name,
    service: Service,
    url_from: Annotated[
        int, typer.Option(min=1, max=2, help="1 a file's link; 2 YouTube, TikTok, X, Google Drive.")
    ] = 1,
    timeout: Timeout = None,
) -> int:
    """Make an avatar from a video."""
    source = cast("Literal[1, 2]", url_from)  # typer has checked the range
    return await avatars.upload(
        service, link, avatar_id=avatar_id, name=name, url_from=source, timeout=timeout
    )


@command(avatar_app, "wait")
async def avatars_wait(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="Its _id, as upload prints it.")],
    service: Service,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds.")] = _WAIT,
) -> int:
    """Wait until an uploaded avatar can be used."""
    return await avatars.wait(service, record_id, timeout=timeout)


@command(session_app, "list")
async def sessions_list(
    part: Page, service: Service, status: StatusName = None, price: Price = None
) -> int:
    """Sessions with avatar, age and duration. For version 3: akool legacy-sessions list."""
    return await sessions.show_sessions(
        service, part, version=4, status=_status(status), price=price
    )


@command(legacy_app, "list")
async def legacy_list(
    part: Page, service: Service, status: StatusName = None, price: Price = None
) -> int:
    """Sessions of version 3."""
    return await sessions.show_sessions(
        service, part, version=3, status=_status(status), price=price
    )


@command(legacy_app, "show")
async def legacy_show(session_id: Id, service: Service) -> int:
    """One session of version 3, without its tokens."""
    return await sessions.show_session(service, session_id, version=3)


@command(legacy_app, "create")
async def legacy_create(
    service: Service,
    avatar: Avatar = None,
    background: Annotated[
        str | None, typer.Option("--background", metavar="URL", help="An image or a video.")
    ] = None,
) -> int:
    """Create a session of version 3 and leave it open: it costs until it ends. Prints its id.

    With --json the room's credentials are printed, too: they let one join it.
    """
    return await sessions.create_legacy(service, avatar, background)


@command(legacy_app, "close")
async def legacy_close(ids: Ids, service: Service) -> int:
    """Close sessions by their ids."""
    return await sessions.close(service, ids)


@command(session_app, "show")
async def sessions_show(session_id: Id, service: Service) -> int:
    """One session, of version 4 or 3, without its tokens."""
    return await sessions.show_session(service, session_id)


@command(session_app, "create")
async def sessions_create(wanted: ChatOptions, as_json: AsJson = False) -> int:
    """Create a session and leave it open: it costs until it ends. Prints its id.

    With --json the room's credentials are printed, too: they let one join it.
    """
    return await sessions.create(wanted, as_json=as_json)


@command(session_app, "close")
async def sessions_close(ids: Ids, service: Service) -> int:
    """Close sessions, of version 4 or 3, by their ids."""
    return await sessions.close(service, ids)


@command(session_app, "close-all")
async def sessions_close_all(
    filters: sessions.Filters,
    service: Service,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> int:
    """Close every session of version 4 and 3 that is queueing or running, whoever opened it."""
    return await sessions.close_all(service, filters, yes=yes)


@command(voice_app, "list")
async def voices_list(
    part: Page,
    service: Service,
    cloned: Annotated[bool, typer.Option("--cloned", help="Your cloned voices.")] = False,
    gender: Annotated[str | None, typer.Option(help="For example Female.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Only voices that sessions can use.")
    ] = False,
) -> int:
    """Voices."""
    filters: dict[str, Any] = {"gender": gender, "name": name}
    if streaming:
        filters["support_stream"] = True
    return await voices.show_voices(service, part, cloned=cloned, filters=filters)


@command(voice_app, "clone")
async def voices_clone(
    link: Annotated[str, typer.Argument(metavar="URL", help="The recording.")],
    name: Name,
    service: Service,
    gender: Annotated[str | None, typer.Option(help="Male or Female.")] = None,
    timeout: Timeout = None,
) -> int:
    """Make a voice from a recording."""
    return await voices.clone(service, link, name=name, gender=gender, timeout=timeout)


@command(voice_app, "delete")
async def voices_delete(ids: Ids, service: Service) -> int:
    """Delete cloned voices, by their _id."""
    return await voices.delete(service, ids)


@command(knowledge_app, "list")
async def knowledge_list(part: Page, service: Service) -> int:
    """Knowledge bases, newest first."""
    return await knowledge.show_bases(service, part)


@command(knowledge_app, "show")
async def knowledge_show(knowledge_id: Id, service: Service) -> int:
    """One knowledge base."""
    return await knowledge.show_base(service, knowledge_id)


@command(knowledge_app, "create")
async def knowledge_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Unique, at most 100 characters.")],
    content: knowledge.Content,
    service: Service,
) -> int:
    """Make a knowledge base; prints its id."""
    return await knowledge.create(service, content, name=name)


@command(knowledge_app, "update")
async def knowledge_update(
    knowledge_id: Id,
    content: knowledge.Content,
    service: Service,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
) -> int:
    """Change a knowledge base; what isn't given stays."""
    return await knowledge.update(service, knowledge_id, content, name=name)


@command(knowledge_app, "delete")
async def knowledge_delete(knowledge_id: Id, service: Service) -> int:
    """Delete a knowledge base."""
    return await knowledge.delete(service, knowledge_id)


@command(simulator_app, "sessions")
async def simulator_sessions(where: remote.Where) -> int:
    """Sessions that the running simulator has made, open or not."""
    return await remote.sessions(where)


@command(simulator_app, "hear")
async def simulator_hear(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the visitor says.")],
    where: remote.Where,
    session: remote.SessionId = None,
) -> int:
    """Have a visitor say something in a session: the avatar hears it, and so does your bot."""
    return await remote.hear(where, text, session)


@command(simulator_app, "fault")
async def simulator_fault(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A wrong one lists all.")],
    where: remote.Where,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[OPTION=VALUE]...", show_default=False)
    ] = None,
    session: remote.SessionId = None,
) -> int:
    """Make something go wrong in a session's room, for example drop_socket."""
    return await remote.fault(where, name, options or [], session)
