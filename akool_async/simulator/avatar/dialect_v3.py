"""Version 3 of the stream messages, as the avatar's side of a chat room has it.

See docs/protocol.md §3.
"""

from __future__ import annotations

import json
from typing import Any

from akool_async.simulator import checks
from akool_async.simulator.avatar.dialect import Dialect, Heard, Ignored, Question
from akool_async.simulator.behavior import ServiceBehavior
from akool_async.simulator.capture import v3_payload, written_payload
from akool_async.simulator.catalogue import language_name

__all__ = ["DialectV3"]


class DialectV3(Dialect):
    """Reads questions out of payloads, which are JSON in a string, and writes answers likewise.

    Args:
        own_id: the avatar's id in the room, `server_…`.
        peer_id: the client's, `client_…`.
    """

    def __init__(self, behavior: ServiceBehavior, *, own_id: str, peer_id: str) -> None:
        super().__init__(behavior)
        self.own_id = own_id
        self.peer_id = peer_id

    def read(self, packet: bytes, now: float) -> list[Heard]:
        """See `Dialect.read`. What is wrong is passed over in silence: v3 has no way to say so."""
        del now
        try:
            frame = json.loads(packet.decode())
        except (ValueError, RecursionError):
            return [Ignored("not JSON")]
        if not isinstance(frame, dict) or frame.get("type") != "chat":
            return [Ignored("not a chat")]
        if frame.get("to") != self.own_id:
            return [Ignored("for another participant")]
        payload, _ = v3_payload(frame.get("payload"))
        if payload is None:
            return [Ignored("payload is not JSON in a string")]
        payload = checks.without_empty(payload)
        try:
            _check(payload)
        except checks.Refusal as refusal:
            return [Ignored(refusal.message)]
        return [Question(payload["message_id"], payload["question"], payload)]

    def chat(self, mid: str, idx: int, text: str, *, last: bool, question: Question) -> bytes:
        """See `Dialect.chat`."""
        del idx, last
        payload: dict[str, Any] = {"mode_type": 1, **question.fields, "message_id": mid}
        if "language" in payload:
            payload["language"] = language_name(payload["language"])
        payload["answer"] = text
        written = written_payload(payload, encoded=self.behavior.payload_base64)
        frame = {"type": "chat", "from": self.own_id, "to": self.peer_id, "payload": written}
        return json.dumps(frame).encode()

    def needs_closing_part(self) -> bool:
        """See `Dialect.needs_closing_part`: no end marker is documented."""
        return False


def _check(payload: dict[str, Any]) -> None:
    checks.text(payload, "message_id", required=True)
    checks.text(payload, "question", required=True)
    checks.text(payload, "voice_id")
    checks.link(payload, "voice_url")
    checks.language(payload, "language")
    checks.choice(payload, "mode_type", (1, 2))
    prompt = checks.section(payload, "prompt")
    if prompt is not None:
        source = checks.choice(prompt, "from", ("text", "url")) or "text"
        content = checks.text(prompt, "content", empty=True)
        if source == "url" and content:
            checks.link(prompt, "content")
