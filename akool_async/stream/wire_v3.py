"""The messages of the legacy chat room: JSON inside JSON, one text frame each.

See docs/protocol.md §3.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, NamedTuple

from akool_async.errors import InvalidParameterError
from akool_async.stream.checks import options_data
from akool_async.stream.json_output import dump
from akool_async.stream.languages import code_of_language
from akool_async.stream.messages import Prompt, QuestionOptions, Sender
from akool_async.stream.surrogates import has_surrogates, replace_surrogates
from akool_async.stream.tolerant_json import (
    NotOursError,
    read_id,
    read_int,
    read_object,
)

__all__ = ["ChatEnvelope", "Frame", "raw_packet", "read"]


class Frame(NamedTuple):
    """One frame of a message."""

    mid: str
    sender: Sender | None
    text: str
    options: QuestionOptions | None
    surrogates: bool


def read(packet: bytes | str) -> Frame:
    """Reads a frame, leniently.

    What has an `answer` is from the avatar; what has only a `question` is as we send it.

    Raises:
        NotOursError: it isn't ours or isn't understood.
    """
    value = read_object(packet)
    if value.get("type", "chat") != "chat":
        raise NotOursError("of another type than chat")
    payload = value.get("payload")
    if isinstance(payload, str):
        payload = _read_payload(payload)
    if not isinstance(payload, dict):
        raise NotOursError("payload is neither an object nor the text of one")
    mid = read_id(payload.get("message_id"), "message_id")
    sender: Sender | None = "bot"
    text = payload.get("answer")
    if text is None:
        sender, text = None, payload.get("question")
    if not isinstance(text, str):
        raise NotOursError("payload has neither an answer nor a question")
    return Frame(mid, sender, text, _read_options(payload), has_surrogates(text))


def _read_payload(payload: str) -> dict[str, Any]:
    try:
        return read_object(payload)
    except NotOursError as error:
        try:
            raw = base64.b64decode(payload.encode(), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise NotOursError(f"payload is {error}") from None
    try:
        return read_object(raw)
    except NotOursError as error:
        raise NotOursError(f"payload is base64 of {len(raw)} bytes: {error}") from None


def _read_options(payload: dict[str, Any]) -> QuestionOptions | None:
    def text(name: str) -> str | None:
        value = payload.get(name)
        return replace_surrogates(value) if isinstance(value, str) and value else None

    language = text("language")
    mode = read_int(payload.get("mode_type"))
    prompt = payload.get("prompt")
    options = QuestionOptions(
        voice_id=text("voice_id"),
        voice_url=text("voice_url"),
        language=code_of_language(language) if language else None,
        mode_type=1 if mode == 1 else 2 if mode == 2 else None,
        prompt=_read_prompt(prompt) if isinstance(prompt, dict) else None,
    )
    return None if options == QuestionOptions() else options


def _read_prompt(prompt: dict[str, Any]) -> Prompt:
    content = prompt.get("content")
    return Prompt(
        "url" if prompt.get("from") == "url" else "text",
        replace_surrogates(content) if isinstance(content, str) else "",
    )


def raw_packet(data: bytes, peer_id: str | None) -> bytes:
    """The frame of something that isn't JSON."""
    if not isinstance(data, bytes | bytearray):
        raise InvalidParameterError("data", f"is of type {type(data).__name__}, give bytes")
    to = {"to": peer_id} if peer_id else {}
    return dump({"type": "chat", **to, "payload": base64.b64encode(data).decode()})


class ChatEnvelope:
    """The JSON before and after the text of a message's frames."""

    depth = 2
    has_end = False

    def __init__(
        self,
        mid: str,
        sender: Sender | None,
        options: QuestionOptions | None,
        *,
        own_id: str | None,
        peer_id: str | None,
    ) -> None:
        if sender == "user":
            raise InvalidParameterError("sender", "version 3 has no messages from user")
        frame: dict[str, Any] = {"type": "chat"}
        if sender == "bot" and own_id:
            frame["from"] = own_id
        if peer_id:
            frame["to"] = peer_id
        payload = {"message_id": mid, **options_data(options, named=sender == "bot")}
        if sender == "bot":
            payload["question"] = ""
        payload["answer" if sender == "bot" else "question"] = ""
        frame["payload"] = dump(payload).decode()
        # The text goes into the empty string of the last field: `…:\"` text `\"}"}`.
        whole = dump(frame)
        self._around = whole[:-5], whole[-5:]

    def wrap(self, idx: int, *, last: bool) -> tuple[bytes, bytes]:
        """What comes before and after the text; frames have no number and no end."""
        del idx, last
        return self._around
