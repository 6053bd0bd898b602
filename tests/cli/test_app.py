"""What holds for every command: help, pipes, full disks, encodings, missing extras."""

import asyncio
import json
import os
import re
import sys

import pytest
from running_command import TIMEOUT

import akool_async
from akool_async import AkoolClient
from akool_async.cli.app import _options, _without_verbose


async def shell(line, **more):
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_shell(
        line.replace("akool", f"{sys.executable} -m akool_async", 1),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        env=dict(os.environ) | {"AKOOL_API_KEY": "key", "NO_COLOR": "1"} | more,
    )
    output, errors = await asyncio.wait_for(process.communicate(), TIMEOUT)
    return process.returncode, output, errors


async def test_output_into_a_pipe_that_is_closed(akool, akool_simulator):
    ours, theirs = os.pipe()
    listing = ("voices", "list", "--limit", "1000", "--json")
    command = await akool(*listing, url=akool_simulator.url, stdout=theirs)
    os.close(theirs)
    head = await asyncio.create_subprocess_exec(
        *("head", "-n", "1"), stdin=ours, stdout=asyncio.subprocess.PIPE
    )
    os.close(ours)
    output, _ = await asyncio.wait_for(head.communicate(), TIMEOUT)
    await command.ended()
    assert (output, command.errors) == (b"{\n", "")


@pytest.fixture
def full_disk():
    """A descriptor that nothing can be written to."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    "arguments",
    [("avatars", "list"), ("avatars", "list", "--json"), ("account",), ("--help",), ("--version",)],
)
async def test_a_full_disk_is_said_in_a_line(run, full_disk, arguments, buffered):
    more = {"PYTHONUNBUFFERED": ""} if buffered else {}
    status, command = await run(*arguments, stdout=full_disk, **more)
    assert status == 1
    assert "No space left on device" in command.errors
    assert len(command.errors.splitlines()) == 1, command.errors


async def test_a_fresh_interpreter_on_a_full_disk():
    status, _, errors = await shell("akool --version > /dev/full")
    assert status == 1
    assert b"No space left on device" in errors
    assert len(errors.splitlines()) == 1, errors


async def test_a_closed_standard_output_is_no_socket(akool_simulator):
    status, _, errors = await shell("akool avatars list >&-", AKOOL_API_URL=akool_simulator.url)
    assert status == 0
    assert b"Traceback" not in errors
    (request,) = akool_simulator.requests
    assert request.path.endswith("avatar/list")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "gbk"])
async def test_json_in_an_encoding_that_has_not_its_characters(run, akool_simulator, encoding):
    name = "Grüße 名前 😀 می\u200cخواهم"
    async with AkoolClient("key", base_url=akool_simulator.url) as client:
        await client.knowledge.create(name=name)
    given = {"PYTHONIOENCODING": encoding, "encoding": encoding}
    status, command = await run("knowledge", "list", "--json", **given)
    assert (status, command.errors) == (0, "")
    assert [item["name"] for item in command.items] == [name]
    status, command = await run("knowledge", "list", **given)
    assert status == 0
    assert "?" in command.output


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["sessions"], ["chat", "--help"], ["avatars", "list", "--help"]]
)
async def test_help(run, arguments):
    status, command = await run(*arguments)
    assert status in (0, 2)  # asked for, and shown for want of a command
    assert "Usage" in command.output + command.errors


async def test_the_help_documents_the_exit_status(run):
    _, command = await run("--help")
    assert "3 not authenticated" in " ".join(command.output.split())


@pytest.mark.parametrize(
    ("arguments", "left", "verbose"),
    [
        (["ask", "--verbose", "hello"], ["ask", "hello"], True),
        (["--verbose", "account"], ["account"], True),
        (["ask", "hello"], ["ask", "hello"], False),
        (["ask", "--", "--verbose"], ["ask", "--", "--verbose"], False),
    ],
)
def test_verbose_may_be_anywhere(arguments, left, verbose):
    assert _without_verbose(arguments) == (left, verbose)


async def test_verbose_shows_requests_without_secrets(run):
    secret = "key-0123456789"
    status, command = await run("account", "--json", "--verbose", key=secret)
    assert status == 0
    assert json.loads(command.output)["count"] == 1
    assert re.search(r"akool: GET /api\S+: HTTP 200", command.errors)
    assert secret not in command.errors


async def test_a_shell_completes_commands(run):
    # As the script of --show-completion asks; that itself looks for a shell among its ancestors.
    asked = {"_AKOOL_COMPLETE": "complete_bash", "COMP_WORDS": "akool sessions cl"}
    status, command = await run(**asked, COMP_CWORD="2")
    assert (status, command.output.split()) == (0, ["close", "close-all"])
    _, offered = await run("--help")
    assert "--show-completion" in offered.output


async def test_version(run):
    status, command = await run("--version")
    assert (status, command.output) == (0, f"akool_async {akool_async.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["avatars", "list", "--limit", "0"],
        ["avatars", "list", "--colour"],
        ["avatars", "show"],
        ["nonsense"],
    ],
)
async def test_wrong_use_is_status_2_and_json_where_asked_for(run, akool_simulator, arguments):
    status, command = await run(*arguments)
    assert status == 2
    assert "Traceback" not in command.errors
    status, command = await run(*arguments, "--json")
    assert status == 2
    assert command.error["code"] == "usage"
    assert command.output == ""
    assert not akool_simulator.requests


def test_what_follows_two_dashes_is_text():
    assert _options(["ask", "--", "--json"]) == ["ask"]
    assert _options(["ask", "--json"]) == ["ask", "--json"]


async def test_no_key_names_the_variables(run):
    status, command = await run("avatars", "list", key=None)
    assert status == 2
    assert "AKOOL_API_KEY" in command.errors


@pytest.mark.parametrize(
    ("code", "status"), [(1101, 3), (1009, 3), (1014, 4), (1104, 5), (1215, 6), (1018, 1)]
)
async def test_the_service_s_code_becomes_an_exit_status(run, akool_simulator, code, status):
    akool_simulator.fail_next(code=code, path="*", times=9)
    ended, command = await run("avatars", "show", "one", "--json")
    assert ended == status
    assert command.error["code"] == code
    assert command.error["status"] == status


async def test_without_the_extra_it_says_how_to_install_it(akool, tmp_path):
    (tmp_path / "typer.py").write_text("raise ImportError('no typer here', name='typer')\n")
    command = await akool("demo", PYTHONPATH=str(tmp_path))
    assert await command.ended() == 2
    assert 'pip install "akool-async[cli]"' in command.errors
    assert 'pip install "akool-async[all]"' in command.errors


async def ended_quietly(command):
    assert await command.ended() == 130
    assert "Traceback" not in command.errors


async def test_ctrl_c_while_it_is_being_imported_ends_quietly(akool, tmp_path):
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    await ended_quietly(await akool("demo", PYTHONPATH=str(tmp_path)))


async def test_ctrl_c_while_its_commands_are_found_ends_quietly(akool, tmp_path):
    about = tmp_path / "more-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[akool_async.commands]\nmore = more:app\n")
    (tmp_path / "more.py").write_text("raise KeyboardInterrupt\n")
    await ended_quietly(await akool("more", PYTHONPATH=str(tmp_path)))
