import asyncio
import json
import time

import pytest

from akool_async import AkoolClient
from akool_async.cli import sessions
from akool_async.cli.options import Page, Service
from akool_async.cli.sessions import Filters, _row, _span, _waited_for
from akool_async.concurrency import Uncancellable
from akool_async.errors import InvalidParameterError, NotFoundError
from akool_async.models.session import LegacySession, Session

AVATAR = "dvp_Tristan_cloth2_1080P"
OTHER = "dvp_Alinna_realisticbg_20241224"


#: A service that answers whose session it is, as no document shows.
KNOWN_AVATARS = {"queue_time": 0.0, "behavior": "answers_avatar_id"}


@pytest.fixture
def akool_simulator_options():
    return {"queue_time": 0.0}


@pytest.fixture
async def client(akool_simulator):
    async with AkoolClient("key", base_url=akool_simulator.url) as client:
        yield client
        await client.sessions.close_all()
        await client.legacy_sessions.close_all()


def open_ids(sim):
    return {session.id for session in sim.open_sessions}


async def create(client, avatar=AVATAR):
    return (await client.sessions.create(avatar, stream_type="agora", duration=300)).id


async def legacy(client):
    return (await client.legacy_sessions.create("Kai_1080P_back")).id


@pytest.mark.parametrize("akool_simulator_options", [KNOWN_AVATARS], ids=["known_avatars"])
async def test_list_shows_what_a_leaked_session_is_recognised_by(run, client):
    ids = [await create(client) for _ in range(3)]
    status, command = await run("sessions", "list")
    assert status == 0
    heading, *lines = command.output.splitlines()
    assert heading.split() == [
        "_id", "version", "status", "stream_type", "avatar_id", "age", "duration",
    ]  # fmt: skip
    assert {line.split()[0] for line in lines} == set(ids)
    for line in lines:
        _, version, status, kind, avatar, age = line.split()  # list answers no duration
        assert (version, status, kind, avatar) == ("v4", "running", "agora", AVATAR)
        assert age.endswith("s")
    assert "3 sessions" in command.errors


async def test_list_as_json_and_by_status(run, client):
    closed, running = await create(client), await create(client)
    await client.sessions.close(closed)
    _, command = await run("sessions", "list", "--json")
    assert {session["_id"] for session in command.items} == {closed, running}
    assert "token" not in command.output
    for status in ("running", "2"):
        _, command = await run("sessions", "list", "--json", "--status", status)
        assert [session["_id"] for session in command.items] == [running]
    status, command = await run("sessions", "list", "--json", "--status", "odd")
    assert status == 2
    assert command.error["code"] == "usage"
    assert "queueing" in command.error["message"]


async def test_list_of_version_3(run, client):
    session_id = await legacy(client)
    _, command = await run("legacy-sessions", "list")
    assert session_id in command.output
    assert "v3" in command.output


async def test_show(run, client):
    for session_id, version in ((await create(client), "v4"), (await legacy(client), "v3")):
        status, command = await run("sessions", "show", session_id)
        assert status == 0
        assert f"version: {version}\n" in command.output
        assert f"_id: {session_id}\n" in command.output
        _, command = await run("sessions", "show", session_id, "--json")
        assert command.items[0]["_id"] == session_id


async def test_create_leaves_it_open_and_says_how_to_close_it(run, client, akool_simulator):
    status, command = await run("sessions", "create", "--transport", "trtc", "--duration", "60")
    assert status == 0
    session_id = command.output.strip()
    assert open_ids(akool_simulator) == {session_id}
    assert f"akool sessions close {session_id}" in command.errors
    status, command = await run("sessions", "close", session_id)
    assert (status, command.output) == (0, f"{session_id} closed\n")


async def test_create_as_json_holds_what_joining_takes(run, akool_simulator):
    status, command = await run("sessions", "create", "--transport", "trtc", "--json")
    (session,) = command.items
    assert session["credentials"]
    status, _ = await run("sessions", "close", session["_id"])
    assert status == 0
    status, command = await run("sessions", "create", "--transport", "chatroom")
    assert status == 2
    assert not akool_simulator.open_sessions


async def test_close_of_either_version(run, client, akool_simulator):
    ids = [await create(client), await legacy(client)]
    status, command = await run("sessions", "close", *ids)
    assert status == 0
    assert command.output == "".join(f"{one} closed\n" for one in ids)
    assert not akool_simulator.open_sessions
    status, command = await run("sessions", "close", *ids)
    assert (status, command.output) == (
        0,
        "".join(f"{one} had ended already\n" for one in ids),
    )


@pytest.mark.parametrize("unknown", ["nosuchid", "0123456789abcdef01234567", "日本"])
async def test_close_of_an_id_that_does_not_exist(run, client, akool_simulator, unknown):
    status, command = await run("sessions", "close", unknown)
    assert status == 4
    assert command.output == ""
    assert f"akool: {unknown}: 1216" in command.errors
    session_id = await create(client)
    status, command = await run("sessions", "close", unknown, session_id, "--json")
    assert status == 4
    assert [one["_id"] for one in command.items] == [session_id]
    assert command.error["about"] == unknown
    assert not akool_simulator.open_sessions


async def test_a_session_that_can_not_be_looked_up_is_closed_all_the_same(
    run, client, akool_simulator
):
    session_id = await create(client)
    akool_simulator.fail_next(status=500, path="*/session/detail", times=None)
    status, command = await run("sessions", "close", session_id, "--json")
    assert status == 0
    assert command.items == [{"_id": session_id, "version": "v4", "was_open": None}]
    assert not akool_simulator.open_sessions


async def test_closing_goes_on_after_one_that_fails(run, client, akool_simulator):
    first, second = await create(client), await create(client)
    akool_simulator.fail_next(code=1009, path="*/session/close")
    status, command = await run("sessions", "close", first, second)
    assert status == 3
    assert command.errors.startswith(f"akool: {first}: ")
    assert command.errors.count("1009") == 1
    assert command.output == f"{second} closed\n"
    assert open_ids(akool_simulator) == {first}


async def test_closing_that_takes_its_time_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sessions, "_SILENT", 0.0)
    answered = asyncio.Event()
    closing = Uncancellable(_waiting(answered), timeout=None, name="closing")
    waiting = asyncio.create_task(_waited_for(closing, "5f"))
    written = ""
    while "5f isn't closed yet; still trying" not in written:
        await asyncio.sleep(0)
        written += capsys.readouterr().err
    answered.set()
    await waiting


async def _waiting(answered: asyncio.Event) -> None:
    await answered.wait()


async def test_close_all_covers_both_versions(run, client, akool_simulator):
    ids = {await create(client), await create(client), await legacy(client), await legacy(client)}
    status, command = await run("sessions", "close-all", "--yes")
    assert status == 0
    *lines, last = command.output.splitlines()
    assert set(lines) == {f"{one} closed" for one in ids}
    assert last == "4 sessions closed"
    assert not akool_simulator.open_sessions
    _, command = await run("sessions", "close-all", "--yes", "--json")
    assert command.items == []


async def test_close_all_without_a_terminal_closes_nothing(run, client, akool_simulator):
    session_id = await create(client)
    for arguments in ((), ("--json",)):
        status, command = await run("sessions", "close-all", *arguments)
        assert status == 2
        assert "--yes" in command.errors
    assert open_ids(akool_simulator) == {session_id}


@pytest.mark.parametrize(("answer", "closes"), [("y", True), ("", False), ("n", False)])
async def test_close_all_asks(terminal, client, akool_simulator, answer, closes):
    ids = {await create(client), await legacy(client)}
    window = await terminal("sessions", "close-all")
    await window.showed("[y/N]")
    assert all(one in window.shown for one in ids)
    assert open_ids(akool_simulator) == ids
    window.type(f"{answer}\n")
    status = await window.ended()
    if closes:
        await window.showed("2 sessions closed")
        assert (status, open_ids(akool_simulator)) == (0, set())
    else:
        await window.showed("nothing was closed")
        assert (status, open_ids(akool_simulator)) == (1, ids)


async def test_ctrl_c_at_the_question_closes_nothing(terminal, client, akool_simulator):
    session_id = await create(client)
    window = await terminal("sessions", "close-all")
    await window.showed("[y/N]")
    window.type("\x03")
    assert await window.ended() == 130
    assert open_ids(akool_simulator) == {session_id}


@pytest.mark.parametrize("akool_simulator_options", [KNOWN_AVATARS], ids=["known_avatars"])
async def test_close_all_of_one_avatar_and_age(run, client, akool_simulator):
    mine, other, old = await create(client), await create(client, OTHER), await legacy(client)
    status, command = await run("sessions", "close-all", "--yes", "--older-than", "1h")
    assert (status, command.output) == (0, "0 sessions closed\n")
    status, command = await run("sessions", "close-all", "--yes", "--avatar", OTHER)
    assert (status, command.output) == (0, f"{other} closed\n1 sessions closed\n")
    status, command = await run("sessions", "close-all", "--yes", "--newer-than", "10m")
    assert status == 0
    assert {mine, old} <= {line.split()[0] for line in command.output.splitlines()}
    assert not akool_simulator.open_sessions


async def test_close_all_goes_on_where_one_version_fails(run, client, akool_simulator):
    session_id = await legacy(client)
    akool_simulator.fail_next(code=1200, path="*v4/liveAvatar/session/list")
    status, command = await run("sessions", "close-all", "--yes")
    assert status == 3
    assert "version 4 sessions: 1200" in command.errors
    assert command.output == f"{session_id} closed\n1 sessions closed\n"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1.5h", 5400), ("10m", 600), ("2 d", None), ("", None)]
)
def test_ages(text, seconds):
    if seconds is None:
        with pytest.raises(InvalidParameterError, match="--newer-than"):
            Filters(newer_than=text).wanted()
    else:
        assert Filters(newer_than=text).wanted().newer_than == seconds


def test_what_a_row_holds_where_the_service_answers_it():
    an_hour_ago = (time.time() - 3700) * 1000
    session = Session.read(
        {"_id": "s1", "status": 2, "duration": 300, "create_time": an_hour_ago, "avatar_id": "a"}
    )
    row = _row(session)
    assert (row["status"], row["age"], row["duration"]) == ("running", "1h 1m", "300 s")
    row = _row(LegacySession.read({"_id": "s1", "status": 9}))
    assert (row["version"], row["status"], row["age"], row["duration"]) == ("v3", 9, None, None)


def test_what_an_open_session_has_cost_at_a_price():
    made = (time.time() - 120) * 1000
    fields = {"_id": "s1", "duration": 90, "create_time": made}
    assert _row(Session.read(fields | {"status": 2}), 4.0)["cost"] == "6.00"  # of its duration
    assert _row(Session.read(fields | {"status": 2, "duration": None}), 3.0)["cost"] == "6.00"
    assert _row(Session.read(fields | {"status": 3}), 4.0)["cost"] is None
    assert _row(Session.read(fields | {"status": 2}))["cost"] is None


async def test_sessions_of_version_3(akool_simulator, client, monkeypatch, capsys):
    monkeypatch.setenv("AKOOL_API_KEY", "any")
    service = Service(url=akool_simulator.url)
    assert await sessions.create_legacy(service, None, None) == 0
    session_id = capsys.readouterr().out.strip()
    assert open_ids(akool_simulator) == {session_id}
    assert await sessions.show_session(service, session_id, version=3) == 0
    assert f"_id: {session_id}" in capsys.readouterr().out
    part = Page()
    shown = await sessions.show_sessions(service, part, version=3, status=2, price=6.0)
    heading, line = capsys.readouterr().out.splitlines()
    assert (shown, heading.split()[-1], line.split()[0]) == (0, "cost", session_id)
    assert 0 <= float(line.split()[-1]) < 60
    with pytest.raises(NotFoundError):
        await sessions.show_session(service, await create(client), version=3)
    assert await sessions.close(service, [session_id]) == 0
    assert session_id not in open_ids(akool_simulator)
    assert session_id in capsys.readouterr().out
    as_json = Service(url=akool_simulator.url, as_json=True)
    assert await sessions.create_legacy(as_json, "Kai_1080P_back", None) == 0
    [record] = json.loads(capsys.readouterr().out)["items"]
    assert record["_id"] in open_ids(akool_simulator)
    assert record["stream_urls"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0s"), (59.9, "59s"), (60, "1m"), (61, "1m 1s"), (7260, "2h 1m"), (90_000, "1d 1h")],
)
def test_spans(seconds, shown):
    assert _span(seconds) == shown
