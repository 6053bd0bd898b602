import asyncio
import json
import signal
import time

import aiohttp
import pytest
from aiohttp import web
from running_command import until

from akool_async import AkoolClient
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET
from akool_async.simulator.webhooks import sealed


@pytest.fixture
def akool_simulator_options():
    return {"pace": 0.01}


def said_by_avatar(sim):
    """What the avatars of the simulator sent as their own text, message by message."""
    texts = {}
    for record in sim.packets:
        message = record.message
        if record.direction == "out" and message["pld"].get("from") == "bot":
            key = record.session_id, message["mid"]
            texts[key] = texts.get(key, "") + message["pld"]["text"]
    return list(texts.values())


def interrupts(sim):
    return [
        record
        for record in sim.packets
        if record.direction == "in" and record.message["pld"].get("cmd") == "interrupt"
    ]


async def stop(bot):
    bot.signal(signal.SIGINT)
    assert await bot.ended() == 0, bot.errors
    assert bot.output.endswith("closed\n")


async def test_echo_bot(example, akool_simulator):
    bot = await example("echo_bot.py")
    await bot.printed("listening")
    (session,) = akool_simulator.open_sessions
    await akool_simulator.user_says(session, "good morning")
    await bot.printed("heard: good morning")
    await until(lambda: "You said: good morning" in said_by_avatar(akool_simulator))
    await stop(bot)


class ChatCompletions:
    """A small server that streams as OpenAI's chat completions do."""

    def __init__(self):
        self.requests = []
        self.dropped = 0

    async def answer(self, request):
        self.requests.append((dict(request.headers), await request.json()))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        question = self.requests[-1][1]["messages"][-1]["content"]
        words = ["endless. "] * 10_000 if "story" in question else ["I ", "am ", "well. "]
        try:
            await self._write(response, {"role": "assistant"})
            for word in words:
                await self._write(response, {"content": word})
                await asyncio.sleep(0.002)
            await response.write(b"data: [DONE]\n\n")
        except ConnectionError:
            self.dropped += 1
            raise
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        return response

    @staticmethod
    async def _write(response, delta):
        chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


@pytest.fixture
async def completions():
    model = ChatCompletions()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.answer)
    runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield model
    await runner.cleanup()


async def test_llm_bot_answers_and_can_be_interrupted(example, akool_simulator, completions):
    settings = {"OPENAI_BASE_URL": completions.url, "OPENAI_API_KEY": "k", "OPENAI_MODEL": "small"}
    bot = await example("llm_bot.py", **settings)
    await bot.printed("listening")
    (session,) = akool_simulator.open_sessions
    await akool_simulator.user_says(session, "how are you")
    await bot.printed("user: how are you")
    await bot.printed("avatar: I am well.")
    headers, body = completions.requests[0]
    assert headers["Authorization"] == "Bearer k"
    assert body["model"] == "small"
    assert body["messages"][1:] == [{"role": "user", "content": "how are you"}]

    await akool_simulator.user_says(session, "tell me a story")
    await until(lambda: any(b"endless" in record.data for record in akool_simulator.packets))
    before = len(interrupts(akool_simulator))
    await akool_simulator.user_says(session, "that is enough")
    await until(lambda: len(interrupts(akool_simulator)) > before)
    await until(lambda: completions.dropped == 1)
    await until(lambda: len(completions.requests) == 3)
    # The transcript that the model is given keeps what was said of the story, not all of it.
    roles = [message["role"] for message in completions.requests[2][1]["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert len(completions.requests[2][1]["messages"][4]["content"]) < len("endless. ") * 9_000
    await stop(bot)


async def test_llm_bot_survives_a_model_that_fails(example, akool_simulator, completions):
    settings = {"OPENAI_BASE_URL": completions.url + "/nowhere", "OPENAI_API_KEY": "k"}
    bot = await example("llm_bot.py", **settings)
    await bot.printed("listening")
    (session,) = akool_simulator.open_sessions
    await akool_simulator.user_says(session, "how are you")
    await bot.printed("no answer: ClientResponseError(")
    bot.signal(signal.SIGINT)
    await until(lambda: bot.ended_already)


async def test_knowledge_dialogue(example, akool_simulator):
    bot = await example("knowledge_dialogue.py", "When do you open?", "Green tea?")
    assert await bot.ended() == 0, bot.errors
    assert "you: When do you open?\navatar: You said: When do you open?\n" in bot.output
    assert "avatar: You said: Green tea?\n" in bot.output
    (create,) = [r for r in akool_simulator.requests if r.path.endswith("session/create")]
    assert create.body["knowledge_id"]
    assert akool_simulator.requests[-1].path.endswith("knowledge/delete")
    assert akool_simulator.requests[-1].code == 1000


async def test_batch_transcript(example, akool_simulator, tmp_path):
    texts, target = tmp_path / "texts.txt", tmp_path / "transcript.json"
    texts.write_text("The first text.\n\nÜber den zweiten.\n第三段。\n", encoding="utf-8")
    bot = await example("batch_transcript.py", str(texts), str(target))
    assert await bot.ended() == 0, bot.errors
    entries = json.loads(target.read_text(encoding="utf-8"))
    assert [entry["text"] for entry in entries] == [
        "The first text.",
        "Über den zweiten.",
        "第三段。",
    ]
    assert all(entry["role"] == "avatar" and entry["ended"] for entry in entries)
    started = [entry["started_at"] for entry in entries]
    assert started == sorted(started)


async def test_two_avatars(example, akool_simulator):
    bot = await example("two_avatars.py", "Hi", "3")
    assert await bot.ended() == 0, bot.errors
    first, second, third = bot.output.splitlines()
    assert first == "Tristan: Hello! How can I assist you today?"
    assert second == f"Alinna: You said: {first.removeprefix('Tristan: ')}"
    assert third == f"Tristan: You said: {second.removeprefix('Alinna: ')}"
    assert len(akool_simulator.sessions) == 2


async def test_own_livekit_room(example, akool_simulator):
    settings = {
        "LIVEKIT_URL": akool_simulator.url.replace("http:", "ws:"),
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
    }
    bot = await example("own_livekit_room.py", "my-room", **settings)
    await bot.printed("listening")
    assert "Welcome! Ask me anything." in said_by_avatar(akool_simulator)
    (session,) = akool_simulator.open_sessions
    await akool_simulator.user_says(session, "where am I")
    await bot.printed("guest: where am I\navatar: You said: where am I\n")
    await stop(bot)
    (create,) = [r for r in akool_simulator.requests if r.path.endswith("session/create")]
    assert create.body["credentials"]["livekit_room_name"] == "my-room"
    assert API_SECRET not in bot.output + bot.errors


async def test_join_session(example, akool_simulator, tmp_path):
    file = tmp_path / "session.json"
    async with AkoolClient("key", base_url=akool_simulator.url) as backend:
        session = await backend.sessions.create("dvp_Tristan_cloth2_1080P", stream_type="livekit")
        file.write_text(json.dumps(session.to_dict(include_secrets=True)))
        bot = await example("join_session.py", str(file), "Hello", key=None)
        assert await bot.ended() == 0, bot.errors
        assert bot.output == "Hello! How can I assist you today?\n"
        assert len(akool_simulator.open_sessions) == 1  # closing it is the backend's
        await backend.sessions.close(session)


async def test_webhook_server(example, akool_simulator):
    account = {"client_id": "0123456789abcdef", "client_secret": "abcdefghijklmnopqrstuvwx"}
    settings = {f"AKOOL_{name.upper()}": value for name, value in account.items()}
    server = await example("webhook_server.py", "0", **settings)
    await server.printed("/akool")
    url = server.output.split()[-1]
    ready = {"_id": "66a", "status": 3}
    for event in (ready, ready, {"_id": "66b", "status": 4}):
        assert await akool_simulator.send_webhook(url, event, **account) == 200
    await server.printed("66a is ready\n66b is failed\n")
    other = account | {"client_secret": account["client_secret"][::-1]}
    body = sealed(ready, timestamp=int(time.time()), nonce=1, **other)
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        assert answer.status == 400
    await server.printed("refused: malformed\n")
    await stop(server)
