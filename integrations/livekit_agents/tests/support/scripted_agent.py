"""A language model and a voice that need no cloud."""

from __future__ import annotations

import math
from array import array
from typing import Any

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, AgentSession, llm, tts

__all__ = ["ScriptedLLM", "ToneTTS", "scripted_session", "tone"]


def tone(seconds: float, rate: int) -> bytes:
    """A loud one, s16le; each second is as the first."""
    wave = array("h", (round(9_000 * math.sin(n / 6)) for n in range(rate))).tobytes()
    whole, rest = divmod(int(seconds * rate), rate)
    return wave * whole + wave[: 2 * rest]


class ScriptedLLM(llm.LLM):
    """Answers whatever it is asked with one text."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer

    def chat(self, *, chat_ctx: Any, tools: Any = None, **_: Any) -> llm.LLMStream:
        options = DEFAULT_API_CONNECT_OPTIONS
        return _Answer(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=options)


class _Answer(llm.LLMStream):
    async def _run(self) -> None:
        assert isinstance(self._llm, ScriptedLLM)
        delta = llm.ChoiceDelta(role="assistant", content=self._llm.answer)
        self._event_ch.send_nowait(llm.ChatChunk(id="answer", delta=delta))


class ToneTTS(tts.TTS):
    """Speaks a tone, `seconds` for each text."""

    def __init__(self, seconds: float) -> None:
        capabilities = tts.TTSCapabilities(streaming=False)
        super().__init__(capabilities=capabilities, sample_rate=24_000, num_channels=1)
        self.seconds = seconds

    def synthesize(self, text: str, **_: Any) -> tts.ChunkedStream:
        options = DEFAULT_API_CONNECT_OPTIONS
        return _Speech(tts=self, input_text=text, conn_options=options)


class _Speech(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, ToneTTS)
        output_emitter.initialize(
            request_id="speech", sample_rate=24_000, num_channels=1, mime_type="audio/pcm"
        )
        output_emitter.push(tone(self._tts.seconds, 24_000))
        output_emitter.flush()


def scripted_session(
    answer: str, seconds: float, *, kind: type[AgentSession[Any]] = AgentSession
) -> AgentSession[Any]:
    """An agent that answers everything so, and speaks a tone of so many seconds for it."""
    return kind(
        llm=ScriptedLLM(answer),
        tts=ToneTTS(seconds),
        # By default the framework asks its cloud when a turn is over.
        turn_handling={"turn_detection": "manual"},
    )
