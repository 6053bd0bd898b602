"""What `AGENT_MODELS` names for the example agent: models that need no cloud."""

from __future__ import annotations

from typing import Any

from livekit.agents import AgentSession, get_job_context
from scripted_agent import scripted_session

__all__ = ["session"]


def session() -> AgentSession[Any]:
    """A session that greets with two seconds of a tone; in a room named crash-… it can't start."""
    crashes = get_job_context().job.room.name.startswith("crash")
    return scripted_session("Hello there.", 2.0, kind=_Crashing if crashes else AgentSession)


class _Crashing(AgentSession[Any]):
    async def start(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("the agent's own fault")
