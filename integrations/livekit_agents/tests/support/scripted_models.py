"""What `AGENT_MODELS` names for the example agent: models that need no cloud."""

from __future__ import annotations

from typing import Any

from livekit.agents import AgentSession, get_job_context
from scripted_agent import ScriptedLLM, ToneTTS

__all__ = ["session"]


def session() -> AgentSession[Any]:
    """A session that greets with two seconds of a tone; in a room named crash-… it can't start."""
    made = _Crashing if get_job_context().job.room.name.startswith("crash") else AgentSession
    # By default the framework asks its cloud when a turn is over.
    return made(
        llm=ScriptedLLM("Hello there."),
        tts=ToneTTS(2.0),
        turn_handling={"turn_detection": "manual"},
    )


class _Crashing(AgentSession[Any]):
    async def start(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("the agent's own fault")
