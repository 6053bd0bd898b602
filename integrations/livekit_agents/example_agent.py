"""An agent with a face. LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET and AKOOL_API_KEY are set.

    python example_agent.py dev

`AGENT_MODELS` names a module with `session() -> AgentSession`: the models of your choice.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from akool_livekit_agents import AvatarSession
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

server = AgentServer()


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """One job: one room, one avatar, one paid session."""
    models = importlib.import_module(os.environ["AGENT_MODELS"])
    session: AgentSession[Any] = models.session()
    avatar = AvatarSession(os.environ.get("AKOOL_AVATAR", "dvp_Tristan_cloth2_1080P"))
    await avatar.start(session, room=ctx.room)
    await session.start(Agent(instructions="You are a friendly guide. Be brief."), room=ctx.room)
    session.generate_reply(instructions="Greet the visitor.")


if __name__ == "__main__":
    cli.run_app(server)
