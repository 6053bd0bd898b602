"""A face for LiveKit Agents: an AKOOL streaming avatar speaks what the agent says.

session = AgentSession(…)
avatar = AvatarSession("dvp_Tristan_cloth2_1080P")
await avatar.start(session, room=ctx.room)
await session.start(Agent(…), room=ctx.room)
"""

from akool_livekit_agents.output import SAMPLE_RATE
from akool_livekit_agents.session import AvatarSession

__all__ = ["SAMPLE_RATE", "AvatarSession"]
