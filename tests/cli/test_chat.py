import signal

import pytest
from running_command import until

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


def asked(sim, ending):
    return [request for request in sim.requests if request.path.endswith(ending)]


async def test_lines_in_and_replies_out(akool, akool_simulator):
    chat = await akool("chat", "--lang", "de", url=akool_simulator.url)
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
    chat.type("/lang fr\n/voice v1\n/mode 1\n/action nod\n/action surprise\n/interrupt\n")
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


async def test_the_session_s_end_is_told(akool, akool_simulator):
    chat = await akool("chat", url=akool_simulator.url)
    await chat.printed("Type a line")
    (session,) = akool_simulator.open_sessions
    await akool_simulator.fail_session(session)
    await chat.printed("the session is over")
    assert await chat.ended() == 1


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
        assert await chat.ended() == 1
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
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
    # Killed by it only where it came after the end of everything: the next lines tell.
    assert await chat.ended() in (0, 128 + number, -number)
    assert akool_simulator.sessions
    assert not akool_simulator.open_sessions
