import asyncio
import json
import os
import signal
import sys

import aiohttp
import pytest

from akool_async import AkoolClient
from akool_async.simulator import Simulator


async def run(akool, *arguments, **options):
    command = await akool(*arguments, **options)
    return await command.ended(), command


async def test_avatars(akool, akool_simulator):
    status, command = await run(akool, "avatars", "--limit", "2", url=akool_simulator.url)
    assert status == 0
    heading, *lines = command.output.splitlines()
    assert heading.split() == ["avatar_id", "name", "gender", "available"]
    assert len(lines) == 2
    (request,) = akool_simulator.requests
    assert request.query["size"] == "2"


async def test_avatars_as_json(akool, akool_simulator):
    status, command = await run(akool, "avatars", "--json", url=akool_simulator.url)
    assert status == 0
    ids = [avatar["avatar_id"] for avatar in json.loads(command.output)]
    assert "dvp_Tristan_cloth2_1080P" in ids


async def test_voices_are_filtered_by_the_service(akool, akool_simulator):
    status, command = await run(
        akool, "voices", "--gender", "female", "--streaming", url=akool_simulator.url
    )
    assert status == 0
    assert "voice_id" in command.output
    (request,) = akool_simulator.requests
    assert request.query["type"] == "2"
    assert request.query["support_stream"] == "1"
    assert request.query["gender"] == "female"


async def test_languages(akool, akool_simulator):
    status, command = await run(akool, "languages", url=akool_simulator.url)
    assert status == 0
    assert command.output.split()[:2] == ["lang_code", "lang_name"]


async def test_sessions_are_listed_and_closed(akool, akool_simulator):
    url = akool_simulator.url
    async with AkoolClient("key", base_url=url) as client:
        ids = [
            (await client.sessions.create("dvp_Tristan_cloth2_1080P", stream_type="agora")).id
            for _ in range(3)
        ]
    status, command = await run(akool, "sessions", "list", url=url)
    assert status == 0
    assert all(one in command.output for one in ids)
    status, command = await run(akool, "sessions", "list", "--json", url=url)
    assert "token" not in command.output
    assert {session["_id"] for session in json.loads(command.output)} == set(ids)
    status, command = await run(akool, "sessions", "close", ids[0], url=url)
    assert (status, command.output) == (0, f"{ids[0]} closed\n")
    status, command = await run(akool, "sessions", "close-all", url=url)
    assert status == 0
    assert command.output.endswith("2 sessions closed\n")
    assert not akool_simulator.open_sessions


async def test_closing_goes_on_after_one_that_fails(akool, akool_simulator):
    akool_simulator.fail_next(code=1009, path="*/session/close")
    status, command = await run(akool, "sessions", "close", "one", "two", url=akool_simulator.url)
    assert status == 1
    assert "one: 1009" in command.errors
    assert command.output == "two closed\n"


async def test_knowledge_from_making_to_deleting(akool, akool_simulator):
    url = akool_simulator.url
    status, command = await run(
        akool, "knowledge", "create", "Tea", "--prompt", "You sell tea.", url=url
    )
    assert status == 0
    made = command.output.strip()
    status, command = await run(akool, "knowledge", "show", made, url=url)
    assert json.loads(command.output)["prompt"] == "You sell tea."
    status, command = await run(akool, "knowledge", "list", url=url)
    assert "Tea" in command.output
    status, command = await run(akool, "knowledge", "delete", made, url=url)
    assert status == 0
    status, command = await run(akool, "knowledge", "show", made, url=url)
    assert status == 1
    assert "1232" in command.errors


async def test_a_refused_value_names_the_field(akool, akool_simulator):
    long = "x" * 101
    status, command = await run(akool, "knowledge", "create", long, url=akool_simulator.url)
    assert status == 2
    assert command.errors.startswith("akool: name: ")
    assert not akool_simulator.requests


async def test_no_key_names_the_variables(akool):
    status, command = await run(akool, "avatars", key=None)
    assert status == 2
    assert "AKOOL_API_KEY" in command.errors


async def test_simulator_prints_the_line_to_export(akool, monkeypatch):
    command = await akool("simulator", "--port", "0", key=None)
    await command.printed("Ctrl-C ends it.")
    first = command.output.splitlines()[0]
    assert first.startswith("export AKOOL_API_URL=http://127.0.0.1:")
    for setting in first.removeprefix("export ").split():
        monkeypatch.setenv(*setting.split("=", 1))
    async with (
        AkoolClient() as client,
        client.open_session("dvp_Tristan_cloth2_1080P", stream_type="agora") as avatar,
    ):
        assert (await avatar.ask("Hello")).text == "Hello! How can I assist you today?"
    command.signal(signal.SIGTERM)
    assert await command.ended() == 143


async def test_simulator_behaves_as_it_is_asked_to(akool, tmp_path):
    (tmp_path / "behavior.json").write_text('{"default_mode": 1}')
    options = ("--behavior", str(tmp_path / "behavior.json"), "--allow-origin", "https://a.example")
    command = await akool("simulator", "--port", "0", *options, key=None)
    await command.printed("Ctrl-C ends it.")
    url = command.output.split()[1].partition("=")[2]
    headers = {"x-api-key": "k", "Origin": "https://a.example"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.get(f"{url}/api/open/v3/language/list") as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
        http.headers["Origin"] = "https://b.example"
        async with http.get(f"{url}/api/open/v3/language/list") as answer:
            assert answer.status == 403
    command.signal(signal.SIGTERM)
    assert await command.ended() == 143


async def test_simulator_with_an_unknown_behavior(akool):
    status, command = await run(akool, "simulator", "--behavior", "polite", key=None)
    assert status == 2
    assert "polite" in command.errors
    assert "worst_mix" in command.errors


async def test_simulator_on_a_port_that_is_taken(akool):
    async with Simulator() as sim:
        port = sim.url.rpartition(":")[2]
        status, command = await run(akool, "simulator", "--port", port)
    assert status == 1
    assert port in command.errors


async def test_output_into_a_pipe_that_is_closed(akool, akool_simulator):
    shell = f"{sys.executable} -m akool_async voices --limit 1000 --json | head -n 1"

    process = await asyncio.create_subprocess_shell(
        shell,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ) | {"AKOOL_API_URL": akool_simulator.url, "AKOOL_API_KEY": "key"},
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert output == b"[\n"
    assert errors == b""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["sessions"], ["chat", "--help"]])
async def test_help(akool, arguments):
    status, command = await run(akool, *arguments)
    assert status in (0, 2)  # asked for, and shown for want of a command
    assert "Usage" in command.output + command.errors


async def test_version(akool):
    status, command = await run(akool, "--version")
    assert (status, command.output) == (0, "akool_async 0.1.0\n")


async def test_without_the_extra_it_says_how_to_install_it(akool, tmp_path):
    (tmp_path / "typer.py").write_text("raise ImportError('no typer here', name='typer')\n")
    status, command = await run(akool, "demo", PYTHONPATH=str(tmp_path))
    assert status == 2
    assert 'pip install "akool-async[cli]"' in command.errors
    assert 'pip install "akool-async[all]"' in command.errors


async def test_without_the_simulator_s_extra_it_says_how_to_install_it(akool, tmp_path):
    (tmp_path / "aiortc.py").write_text("raise ImportError('no aiortc here', name='aiortc')\n")
    status, command = await run(akool, "demo", PYTHONPATH=str(tmp_path), key=None)
    assert status == 2
    assert 'pip install "akool-async[simulator]"' in command.errors


async def test_ctrl_c_while_it_is_being_imported_ends_quietly(akool, tmp_path):
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    status, command = await run(akool, "demo", PYTHONPATH=str(tmp_path))
    assert status == 130
    assert "Traceback" not in command.errors
