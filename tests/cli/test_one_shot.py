import signal

import pytest
from running_command import until


@pytest.fixture
def akool_simulator_options():
    return {
        "reply": lambda text: f"You said: {text}",
        "pace": 0.02,
        "queue_time": 0.0,
    }


def chats(sim):
    return [
        record.message["pld"]["text"]
        for record in sim.packets
        if record.direction == "in" and record.message["type"] == "chat"
    ]


@pytest.mark.parametrize("transport", ["trtc", "livekit"])
async def test_ask_prints_the_reply_and_nothing_else(run, akool_simulator, transport):
    status, command = await run("ask", "Hello 名前", "--transport", transport)
    assert (status, command.output, command.errors) == (0, "You said: Hello 名前\n", "")
    assert not akool_simulator.open_sessions


async def test_ask_as_json(run):
    status, command = await run("ask", "Hello", "--transport", "trtc", "--json")
    assert status == 0
    (reply,) = command.items
    assert reply["text"] == "You said: Hello"


async def test_ask_reads_standard_input(akool, akool_simulator):
    command = await akool("ask", "-", "--transport", "trtc", url=akool_simulator.url)
    command.type("two\nlines\n")
    command.end_input()
    assert await command.ended() == 0
    assert command.output == "You said: two\nlines\n"


async def test_nothing_to_ask_is_found_before_a_session_is_paid(akool, akool_simulator):
    command = await akool("ask", "-", url=akool_simulator.url)
    command.end_input()
    assert await command.ended() == 2
    assert "nothing came from standard input" in command.errors
    command = await akool("ask", "  ", url=akool_simulator.url)
    assert await command.ended() == 2
    assert "TEXT: is empty" in command.errors
    assert not akool_simulator.requests


@pytest.mark.parametrize("transport", ["trtc", "chatroom"])
async def test_say_ends_when_it_was_spoken(run, akool_simulator, transport):
    status, command = await run("say", "Good morning.", "--transport", transport)
    assert (status, command.output, command.errors) == (0, "", "")
    assert not akool_simulator.open_sessions
    if transport == "trtc":
        assert chats(akool_simulator) == ["Good morning."]


async def test_say_as_json(run):
    status, command = await run("say", "Hi.", "--transport", "trtc", "--json")
    assert (status, command.items) == (0, [{"text": "Hi.", "spoken": True}])


async def test_simulated(run, akool_simulator):
    status, command = await run("ask", "Hello", "--simulator", key=None)
    assert status == 0
    assert command.output == "Hello! How can I assist you today?\n"
    assert not akool_simulator.requests


async def test_errors_as_json(run, akool_simulator):
    akool_simulator.fail_next(code=1104, path="*/session/create")
    status, command = await run("ask", "Hello", "--transport", "trtc", "--json")
    assert status == 5
    assert command.error["code"] == 1104
    status, command = await run("ask", "Hello", "--avatar", "nobody", "--json")
    assert status == 4
    assert command.output == ""


async def test_stopped_it_leaves_no_session_open(akool, akool_simulator):
    text = " ".join(["word"] * 400)
    command = await akool("say", text, "--transport", "trtc", url=akool_simulator.url)
    await until(lambda: chats(akool_simulator))
    command.signal(signal.SIGTERM)
    assert await command.ended() == 143
    assert not akool_simulator.open_sessions


async def test_a_file_that_cannot_be_written_is_found_before_a_session_is_paid(
    run, akool_simulator, tmp_path
):
    status, command = await run("say", "Hello", "--record", str(tmp_path / "no" / "a.webm"))
    assert status == 2
    assert "isn't there; create it" in command.errors
    assert not akool_simulator.requests
