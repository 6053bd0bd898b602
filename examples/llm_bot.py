"""An avatar that answers with a language model of your choice, and can be interrupted.

Works with whatever speaks OpenAI's chat completions: the answer goes to the avatar while it is
being written, and when someone talks, the request is dropped and the avatar stops.

    export AKOOL_API_KEY=… OPENAI_API_KEY=… OPENAI_MODEL=…
    export OPENAI_BASE_URL=http://127.0.0.1:8000/v1      # or your provider's
    python examples/llm_bot.py
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator

import aiohttp

import akool_async
from akool_async import (
    AkoolClient,
    AvatarSession,
    HandlerFailed,
    ReplyDone,
    RespondWith,
    UserSpoke,
    UserTurn,
)

SYSTEM = "You are a friendly guide. Answer in one or two short sentences, without lists."


async def completion(http: aiohttp.ClientSession, turn: UserTurn) -> AsyncIterator[str]:
    """The model's answer to the conversation so far, token by token."""
    body = {
        "model": os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
        "messages": [{"role": "system", "content": SYSTEM}, *turn.messages],
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
    base = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1").rstrip("/") + "/"
    headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(base, headers=headers, timeout=timeout) as http:
        model = RespondWith(
            lambda turn: completion(http, turn),
            filler="Let me think.",
            filler_after=2.0,
            merge_window=0.6,  # the service may split one utterance in two
        )
        async with (
            AkoolClient() as akool,
            akool.open_session("dvp_Tristan_cloth2_1080P", respond_with=model) as avatar,
        ):
            await talk(avatar)


async def talk(avatar: AvatarSession) -> None:
    """Shows the conversation until the session ends."""
    print("listening")
    async for event in avatar.events():
        match event:
            case UserSpoke(text=text):
                print(f"user: {text}")
            case ReplyDone():
                print(f"avatar: {event.text}")
            case HandlerFailed(error=error):
                print(f"no answer: {error!r}")


if __name__ == "__main__":
    try:
        akool_async.run(main())
    except KeyboardInterrupt:
        print("closed")
