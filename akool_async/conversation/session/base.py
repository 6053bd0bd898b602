"""What the methods of AvatarSession share: the conversation, and whether it is open."""

from __future__ import annotations

from akool_async.conversation.conversation import Conversation
from akool_async.errors import ConversationClosedError, NotSupportedError

__all__ = ["SessionBase"]


class SessionBase:
    """Base of the classes that `AvatarSession` is put together from; each holds methods only."""

    def __init__(self, conversation: Conversation) -> None:
        """Opens nothing."""
        self._conversation = conversation
        self._opened = False

    def _check_opened(self) -> None:
        self._conversation.check_loop()
        if not self._opened:
            raise ConversationClosedError("the conversation isn't open yet")

    def _check_open(self) -> None:
        self._check_opened()
        self._conversation.check_open()

    def _check_text(self, name: str) -> None:
        if self._conversation.info.scene_mode == "meeting":
            raise NotSupportedError(
                f'no {name}() with scene_mode="meeting": the avatar neither answers nor says text, '
                "it speaks what play_audio() is given; leave scene_mode out for text"
            )

    def _check_commands(self, name: str) -> None:
        if not self._conversation.has_commands:
            raise NotSupportedError(f"the v3 chat room has no commands, so no {name}()")
        self._check_open()
