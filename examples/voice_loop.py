"""Speak with an avatar through your own speech recognition and your own language model.

Your microphone is cut into turns, a turn becomes text, the avatar says the model's answer, and you
hear it. Who speaks while the avatar does interrupts it. Use headphones: the avatar's voice in the
microphone would interrupt the avatar.

It needs the extras `livekit` and `sound`.

    export AKOOL_API_KEY=… OPENAI_API_KEY=… OPENAI_MODEL=…
    export OPENAI_BASE_URL=http://127.0.0.1:8000/v1      # or your provider's
    python examples/voice_loop.py

Without keys, microphone and models, against an avatar on this machine (extras `simulator`,
`livekit` and `record`), with stand-ins that say and answer what a script has:

    python examples/voice_loop.py --offline
"""

from __future__ import annotations

import array
import asyncio
import io
import json
import math
import os
import sys
import wave
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

import aiohttp

import akool_async
from akool_async import AkoolClient, AvatarSession
from akool_async.media import AudioFrame

RATE = 24_000
SYSTEM = "You are a friendly guide. Answer in one or two short sentences, without lists."
#: Loudness (of 32768) from which a piece of sound is speech, and seconds of quiet that end a turn.
LOUD, QUIET = 500, 0.7

Messages = list[dict[str, str]]
Recognise = Callable[[AudioFrame], Awaitable[str]]
Answer = Callable[[Messages], AsyncIterator[str]]


def loudness(pcm: bytes) -> float:
    """Root mean square of s16le samples."""
    samples = array.array("h", pcm)
    return math.sqrt(sum(sample * sample for sample in samples) / max(1, len(samples)))


async def turns(
    sound: AsyncIterable[bytes], begins: Callable[[], None]
) -> AsyncIterator[AudioFrame]:
    """What is said in a stream of samples, from the first loud piece until it is quiet."""
    turn, before, quiet = bytearray(), deque[bytes](maxlen=5), 0.0
    async for pcm in sound:
        loud = loudness(pcm) > LOUD
        if not turn and not loud:
            before.append(pcm)
            continue
        if not turn:
            begins()
            turn += b"".join(before)
            before.clear()
        turn += pcm
        quiet = 0.0 if loud else quiet + len(pcm) / 2 / RATE
        if quiet >= QUIET:
            yield AudioFrame(bytes(turn), RATE)
            turn, quiet = bytearray(), 0.0


async def over(saying: asyncio.Task[None] | None) -> None:
    """Returns when the avatar has said it, or was interrupted."""
    if saying is not None:
        await asyncio.wait({saying})
        if not saying.cancelled():
            saying.result()


async def converse(
    avatar: AvatarSession, sound: AsyncIterable[bytes], recognise: Recognise, answer: Answer
) -> Messages:
    """The conversation, until the sound ends; what was said."""
    messages: Messages = []
    saying: asyncio.Task[None] | None = None
    interrupting: set[asyncio.Task[object]] = set()

    def interrupt() -> None:
        if saying is not None and not saying.done():
            saying.cancel()
            task = asyncio.create_task(avatar.interrupt())
            interrupting.add(task)
            task.add_done_callback(interrupting.discard)

    async def say() -> None:
        said = ""

        async def tokens() -> AsyncIterator[str]:
            nonlocal said
            async for token in answer(messages):
                said += token
                yield token

        try:
            await avatar.say(tokens())
        finally:
            messages.append({"role": "assistant", "content": said})
            print(f"avatar: {said}")

    try:
        async for turn in turns(sound, interrupt):
            text = await recognise(turn)
            if not text:
                continue
            print(f"you: {text}")
            await over(saying)
            messages.append({"role": "user", "content": text})
            saying = asyncio.create_task(say())
        await over(saying)
    finally:
        if saying is not None:
            saying.cancel()
            await asyncio.wait({saying})
        if interrupting:
            await asyncio.wait(interrupting)
    return messages


# Your models, by whatever speaks OpenAI's API.


async def transcription(http: aiohttp.ClientSession, turn: AudioFrame) -> str:
    """The text of a turn."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(turn.sample_rate)
        wav.writeframes(turn.pcm)
    form = aiohttp.FormData({"model": os.environ.get("OPENAI_SPEECH_MODEL", "whisper-1")})
    form.add_field("file", file.getvalue(), filename="turn.wav", content_type="audio/wav")
    async with http.post("audio/transcriptions", data=form) as response:
        response.raise_for_status()
        return str((await response.json())["text"]).strip()


async def completion(http: aiohttp.ClientSession, messages: Messages) -> AsyncIterator[str]:
    """The model's answer to the conversation so far, token by token."""
    body = {
        "model": os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
        "messages": [{"role": "system", "content": SYSTEM}, *messages],
        "stream": True,
    }
    async with http.post("chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.content:
            data = line.strip().removeprefix(b"data:").strip()
            if data == b"[DONE]":
                return
            if data:
                for choice in json.loads(data)["choices"]:
                    yield choice["delta"].get("content") or ""


async def main() -> None:
    from akool_async.media.devices import Loudspeaker, SoundInput

    base = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1").rstrip("/") + "/"
    headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    async with (
        aiohttp.ClientSession(base, headers=headers, timeout=aiohttp.ClientTimeout(60)) as http,
        AkoolClient() as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", mode=1) as avatar,
        Loudspeaker(RATE) as loudspeaker,
        SoundInput(RATE) as microphone,
    ):

        async def play() -> None:
            async for frame in avatar.audio_frames(sample_rate=RATE):
                loudspeaker.play(frame.pcm)

        playing = asyncio.create_task(play())
        try:
            print("listening")
            await converse(
                avatar,
                microphone,
                lambda turn: transcription(http, turn),
                lambda messages: completion(http, messages),
            )
        finally:
            playing.cancel()
            await asyncio.wait({playing})


# The same without a network: a robot's sound carries its text, so it needs no recognition.

SCRIPT = {"Hello!": "Hi there.", "Who are you?": "A robot."}


async def offline() -> Messages:
    """The scripted conversation with a simulated avatar; what was said."""
    from akool_async.simulator import Media, Simulator
    from akool_async.simulator.media.robot import robot_speech, robot_text

    heard: list[str] = []
    answered = asyncio.Event()

    async def speech() -> AsyncIterator[bytes]:
        piece = RATE // 50 * 2
        for text in SCRIPT:
            answered.clear()
            pcm = robot_speech(text, RATE).pcm + bytes(RATE * 2)
            for at in range(0, len(pcm), piece):
                yield pcm[at : at + piece]
            async with asyncio.timeout(60):
                await answered.wait()

    async def recognise(turn: AudioFrame) -> str:
        return robot_text(turn) or ""

    async def answer(messages: Messages) -> AsyncIterator[str]:
        for word in SCRIPT[messages[-1]["content"]].split():
            yield word + " "

    async with (
        Simulator(media=Media(width=320, height=180, voice="robot")) as simulator,
        AkoolClient("any key", base_url=simulator.url) as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", mode=1) as avatar,
    ):

        async def listen() -> None:
            async with avatar.audio_frames(sample_rate=RATE) as frames:
                async for turn in turns((frame.pcm async for frame in frames), lambda: None):
                    heard.append(robot_text(turn) or "(not understood)")
                    print(f"heard: {heard[-1]}")
                    answered.set()

        listening = asyncio.create_task(listen())
        try:
            return await converse(avatar, speech(), recognise, answer)
        finally:
            listening.cancel()
            await asyncio.wait({listening})


if __name__ == "__main__":
    try:
        akool_async.run(offline() if "--offline" in sys.argv[1:] else main())
    except KeyboardInterrupt:
        print("closed")
