"""AvatarSession, the door to a conversation, and the classes its methods are in."""

from akool_async.conversation.session.session import AvatarSession

__all__ = ["AvatarSession"]
