import asyncio
import json
import os
import signal
import sys

import pytest
from running_command import TIMEOUT, until

from akool_async.simulator import Simulator

LONG = " ".join(f"word{number}" for number in range(400)) + "."


@pytest.fixture
def akool_simulator_options():
    return {
        "reply": lambda text: LONG if "long" in text else f"You said: {text}",
        "pace": 0.02,
        "queue_time": 0.0,
    }


def sent(sim, direction, **wanted):
    """Packets of a direction whose message has these fields, top level or in `pld`."""
    found = []
    for record in sim.packets:
        fields = record.message | record.message.get("pld", {})
        if record.direction == direction and wanted.items() <= fields.items():
            found.append(fields)
    return found


def environment(**more):
    return dict(os.environ) | {"NO_COLOR": "1", "AKOOL_API_KEY": "key"} | more


async def shell(line, **more):
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_shell(
        line, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(**more)
    )


def asked(sim, ending):
    return [request for request in sim.requests if request.path.endswith(ending)]


async def test_lines_in_and_replies_out(akool, akool_simulator):
    chat = await akool("chat", "--language", "de", url=akool_simulator.url)
    chat.type("Guten Tag\n")
    await chat.printed("avatar> You said: Guten Tag")
    chat.type("\n   \nZweitens\n/quit\n")
    await chat.printed("Closed.")
    assert await chat.ended() == 0
    (create,) = asked(akool_simulator, "session/create")
    assert create.body["language"] == "de"
    assert create.body["mode_type"] == 2


async def test_commands_reach_the_avatar(akool, akool_simulator):
    chat = await akool("chat", url=akool_simulator.url)
    chat.type("/language fr\n/voice v1\n/mode 1\n/action nod\n/action surprise\n/interrupt\n")
    await until(lambda: chat.output.count("(done)") == 6)
    chat.type("/action moonwalk\n/nonsense\n")
    await chat.printed("moonwalk")
    await chat.printed("/interrupt  ")
    chat.end_input()
    assert await chat.ended() == 0
    data = [packet.get("data") for packet in sent(akool_simulator, "in", type="command")]
    assert {"lang": "fr"} in data
    assert {"mode": 1} in data
    assert {"action": "nod"} in data
    assert {"expression": "surprise"} in data
    assert len(sent(akool_simulator, "in", cmd="interrupt")) == 1


async def test_the_end_of_input_lets_the_replies_end(akool, akool_simulator):
    chat = await akool("chat", url=akool_simulator.url)
    chat.type("first\nand the last")
    chat.end_input()
    assert await chat.ended() == 0
    assert "You said: first" in chat.output
    assert "You said: and the last" in chat.output


async def test_ctrl_c_interrupts_the_avatar_and_twice_leaves(akool, akool_simulator):
    chat = await akool("chat", url=akool_simulator.url)
    chat.type("something long\n")
    await chat.printed("word30")
    chat.signal(signal.SIGINT)
    await chat.printed("(interrupting")
    await until(lambda: sent(akool_simulator, "out", cmd="interrupt"))
    assert not chat.ended_already
    chat.type("and now\n")
    await chat.printed("You said: and now")
    assert "word399" not in chat.output
    chat.signal(signal.SIGINT)
    await chat.printed("(Ctrl-C again leaves)")
    chat.signal(signal.SIGINT)
    assert await chat.ended() == 0
    assert "Closed." in chat.output


async def test_recognised_speech_and_its_answer_are_shown(akool, akool_simulator):
    chat = await akool("chat", url=akool_simulator.url)
    await chat.printed("Type a line")
    (session,) = akool_simulator.open_sessions
    await akool_simulator.user_says(session, "can you hear me")
    await chat.printed("heard> can you hear me")
    await chat.printed("avatar> You said: can you hear me")
    chat.end_input()
    assert await chat.ended() == 0


async def test_the_session_s_end_is_reported(akool, akool_simulator):
    chat = await akool("chat", url=akool_simulator.url)
    await chat.printed("Type a line")
    (session,) = akool_simulator.open_sessions
    await akool_simulator.fail_session(session)
    await chat.printed("the session is over")
    assert await chat.ended() == 1


@pytest.mark.slow
async def test_piped_commands_come_when_the_questions_before_them_are_answered(
    akool, akool_simulator
):
    chat = await akool("chat", "--transport", "trtc", url=akool_simulator.url)
    chat.type("something long\n/language fr\nshort\n/mode 1\n/quit\nnever asked\n")
    assert await chat.ended() == 0
    assert "word399" in chat.output
    assert chat.output.index("word399") < chat.output.index("(done)")
    assert "You said: short" in chat.output
    assert "never asked" not in chat.output
    order = [
        fields.get("text") or next(iter(fields.get("data", {}).items()), None)
        for fields in sent(akool_simulator, "in")
    ]
    opening = ("mode", 2)
    assert [one for one in order if one and one != opening] == [
        "something long",
        ("lang", "fr"),
        "short",
        ("mode", 1),
    ]


async def test_a_piped_interrupt_follows_the_question_that_was_sent(akool, akool_simulator):
    chat = await akool("chat", "--transport", "trtc", url=akool_simulator.url)
    chat.type("something long\n/interrupt\nshort\n")
    chat.end_input()
    assert await chat.ended() == 0
    assert "word399" not in chat.output
    assert "You said: short" in chat.output


async def test_text_with_unusual_spaces_and_joiners_arrives_whole(akool, akool_simulator):
    texts = ["1\u00a0000\u00a0€ ", "\u3000全角", "می\u200cخواهم", "👩\u200d💻"]
    chat = await akool("chat", "--transport", "trtc", url=akool_simulator.url)
    chat.type("\n".join(texts) + "\nleft\x1b[D\x1b[D and up\x1bOA\n\x1b[A\n\u00a0\n")
    chat.end_input()
    assert await chat.ended() == 0
    assert [fields["text"] for fields in sent(akool_simulator, "in", type="chat")] == [
        *texts,
        "left and up",
    ]
    assert "\ufffd" not in chat.output
    for text in texts:
        assert f"avatar> You said: {text}" in chat.output


async def test_input_in_another_encoding(akool, akool_simulator):
    given = {"PYTHONIOENCODING": "cp1252", "encoding": "cp1252"}
    chat = await akool("chat", "--transport", "trtc", url=akool_simulator.url, **given)
    chat.type("Grüße für 5 €\n")
    chat.end_input()
    assert await chat.ended() == 0
    (question,) = sent(akool_simulator, "in", type="chat")
    assert question["text"] == "Grüße für 5 €"
    assert "avatar> You said: Grüße für 5 €" in chat.output


async def test_a_closed_standard_input_is_refused_before_a_session_is_paid(akool_simulator):
    process = await shell(
        f"{sys.executable} -m akool_async chat <&-", AKOOL_API_URL=akool_simulator.url
    )
    _, errors = await asyncio.wait_for(process.communicate(), TIMEOUT)
    assert process.returncode == 2
    assert b"standard input is closed" in errors
    assert b"Traceback" not in errors
    assert not akool_simulator.sessions


async def test_output_that_cannot_be_written_is_found_before_a_session_is_paid(
    akool, akool_simulator
):
    full = os.open("/dev/full", os.O_WRONLY)
    settings = {"url": akool_simulator.url, "PYTHONUNBUFFERED": ""}
    chat = await akool("chat", stdout=full, **settings)
    os.close(full)
    chat.type("Hello\n")
    assert await chat.ended() == 1
    assert "No space left" in chat.errors
    assert "Exception" not in chat.errors
    assert not akool_simulator.sessions


async def test_a_reader_that_goes_away_ends_it_and_the_session(akool, akool_simulator):
    ours, theirs = os.pipe()
    settings = {"url": akool_simulator.url, "PYTHONUNBUFFERED": ""}
    chat = await akool("chat", "--transport", "trtc", stdout=theirs, **settings)
    os.close(theirs)
    head = await asyncio.create_subprocess_exec(
        *("head", "-n", "2"), stdin=ours, stdout=asyncio.subprocess.DEVNULL
    )
    os.close(ours)
    chat.type("something long\n")
    await chat.ended()
    assert await asyncio.wait_for(head.wait(), TIMEOUT) == 0
    assert chat.errors == ""
    assert akool_simulator.sessions
    assert not akool_simulator.open_sessions


async def test_a_closed_window_closes_the_session(terminal, akool_simulator):
    window = await terminal("chat", "--transport", "trtc")
    await window.showed("you>")
    assert akool_simulator.open_sessions
    window.close_window()
    assert await window.ended() == 128 + signal.SIGHUP
    assert not akool_simulator.open_sessions


async def test_a_chat_in_a_terminal(terminal, akool_simulator):
    window = await terminal("chat", "--transport", "trtc")
    await window.showed("you>")
    assert not window.cooked
    window.type("something long\r")
    await window.showed("word9 ")
    window.type("/action nod\r")  # commands come at once
    await until(lambda: sent(akool_simulator, "in", cmd="set-action"))
    window.type("half a question")
    await until(lambda: window.lines[-1] == "you> half a question")
    await window.showed("word60 ")
    assert window.lines[-1] == "you> half a question"
    window.type("\x15/interrupt\r")  # Ctrl-U clears the line
    await until(lambda: sent(akool_simulator, "out", cmd="interrupt"))
    window.type("\x1b[200~two\rlines\x1b[201~ 你好 می\u200cخواهم 👩\u200d💻\r")
    text = "two\nlines 你好 می\u200cخواهم 👩\u200d💻"
    await until(lambda: sent(akool_simulator, "in", type="chat", text=text))
    await window.showed("avatar> You said: two")
    assert "word399" not in window.shown
    window.type("\x04")  # Ctrl-D
    assert await window.ended() == 0
    assert window.cooked
    assert window.lines[-1] == "Closed."
    assert not akool_simulator.open_sessions


async def test_ctrl_c_and_sigterm_in_a_terminal(terminal, akool_simulator):
    window = await terminal("chat", "--transport", "trtc")
    await window.showed("you>")
    window.type("something long\r")
    await window.showed("word9 ")
    window.type("\x03")
    await window.showed("(interrupting; Ctrl-C again leaves)")
    await until(lambda: sent(akool_simulator, "out", cmd="interrupt"))
    window.type("half a question")
    await window.showed("you> half a question")
    window.process.send_signal(signal.SIGTERM)
    assert await window.ended() == 128 + signal.SIGTERM
    assert window.cooked
    assert not akool_simulator.open_sessions


async def test_the_legacy_chat_room_is_asked_in_mode_language_and_voice(akool, akool_simulator):
    options = ("--mode", "1", "--language", "fr", "--voice", "v1")
    chat = await akool("chat", "--transport", "chatroom", *options, url=akool_simulator.url)
    chat.type("Bonjour\n")
    await chat.printed("avatar> ")
    chat.end_input()
    assert await chat.ended() == 0
    (record,) = [r for r in akool_simulator.packets if r.direction == "in"]
    question = json.loads(record.message["payload"])
    assert question["language"] == "fr"
    assert question["voice_id"] == "v1"
    assert question["mode_type"] == 1


@pytest.mark.parametrize(("option", "value"), [("--duration", "300"), ("--knowledge", "k1")])
async def test_what_a_legacy_session_cannot_have_is_refused(akool, akool_simulator, option, value):
    chat = await akool("chat", "--transport", "chatroom", option, value, url=akool_simulator.url)
    assert await chat.ended() == 2
    assert option in chat.errors
    assert "chatroom" in chat.errors
    assert not akool_simulator.requests


async def test_the_legacy_chat_room(akool, akool_simulator):
    chat = await akool("chat", "--transport", "chatroom", url=akool_simulator.url)
    chat.type("Hello\n/interrupt\n")
    await chat.printed("You said: Hello")
    await chat.printed("no commands")
    chat.end_input()
    assert await chat.ended() == 0


async def test_the_simulator_needs_no_key(akool):
    chat = await akool("chat", "--simulator", key=None)
    chat.type("Hello\n")
    await chat.printed("How can I assist you today?")
    chat.end_input()
    assert await chat.ended() == 0


async def test_no_key_names_the_variables_and_the_simulator(akool):
    chat = await akool("chat", key=None)
    assert await chat.ended() == 2
    assert "AKOOL_API_KEY" in chat.errors
    assert "akool chat --simulator" in chat.errors


async def test_a_wrong_key(akool):
    async with Simulator(api_key="right") as sim:
        chat = await akool("chat", url=sim.url, key="wrong-and-secret")
        assert await chat.ended() == 3
        assert "1101" in chat.errors
        assert "wrong-and-secret" not in chat.errors + chat.output


async def test_a_service_that_is_gone(akool):
    async with Simulator() as sim:
        url = sim.url
    chat = await akool("chat", url=url)
    assert await chat.ended() == 1
    assert "akool: " in chat.errors


async def quiet(sim, chat):
    await until(lambda: asked(sim, "session/create"))


async def created(sim, chat):
    await until(lambda: sim.sessions)


async def opening(sim, chat):
    await until(lambda: sent(sim, "in", cmd="set-params"))


async def opened(sim, chat):
    await until(lambda: sent(sim, "out", cmd="set-params"))


async def ready(sim, chat):
    await chat.printed("Type a line")


async def question(sim, chat):
    chat.type("something long\n")
    await until(lambda: sent(sim, "in", type="chat"))


async def reply(sim, chat):
    chat.type("something long\n")
    await chat.printed("word8")


async def replied(sim, chat):
    chat.type("short\n")
    await chat.printed("You said: short")


async def acting(sim, chat):
    chat.type("something long\n/action nod\n")
    await until(lambda: sent(sim, "in", cmd="set-action"))


async def end_of_input(sim, chat):
    chat.type("something long\n")
    chat.end_input()
    await chat.printed("word8")


async def closing(sim, chat):
    sim.fail_next(delay=0.3, path="*/session/close")
    await chat.printed("Type a line")
    chat.type("/quit\n")
    await until(lambda: asked(sim, "session/close"))


MOMENTS = [
    quiet,
    created,
    opening,
    opened,
    ready,
    question,
    reply,
    replied,
    acting,
    end_of_input,
    closing,
]


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name
)
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
async def test_stopped_at_any_moment_it_leaves_no_session_open(
    akool, akool_simulator, moment, number
):
    if moment is quiet:
        akool_simulator.fail_next(delay=0.3, path="*/session/create")
    chat = await akool("chat", url=akool_simulator.url)
    await moment(akool_simulator, chat)
    chat.signal(number)
    if number is signal.SIGINT:
        await until(lambda: "again leaves" in chat.output or chat.ended_already)
        if not chat.ended_already:
            chat.signal(number)
    # Killed by it only where it came after the end of everything: see the next lines.
    assert await chat.ended() in (0, 128 + number, -number)
    assert akool_simulator.sessions
    assert not akool_simulator.open_sessions
