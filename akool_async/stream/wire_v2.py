"""The stream messages of Agora, LiveKit and TRTC: one JSON object per packet.

See docs/protocol.md §2.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from akool_async.errors import InvalidParameterError
from akool_async.stream.checks import action_data, params_data
from akool_async.stream.json_output import dump
from akool_async.stream.messages import (
    Command,
    CommandAnswer,
    Interrupt,
    Sender,
    SetAction,
    SetParams,
    SpeechEvent,
    VoiceParams,
)
from akool_async.stream.recent_messages import UNNUMBERED
from akool_async.stream.surrogates import replace_surrogates
from akool_async.stream.tolerant_json import (
    LARGEST,
    MAX_MID,
    NotOursError,
    read_bool,
    read_id,
    read_int,
    read_object,
    read_sender,
    read_texts,
)

__all__ = ["ChatEnvelope", "Part", "command_packet", "read", "read_chat"]

VERSION: Final = 2


class ChatPayload(msgspec.Struct, rename={"sender": "from"}, gc=False):
    """`pld` of a chat packet that is as documented."""

    text: str
    sender: Sender | None = None
    fin: bool | None = None


class ChatWire(msgspec.Struct, gc=False):
    """A chat packet that is as documented; any other takes the slower way through `read`."""

    v: Literal[2]
    type: Literal["chat"]
    pld: ChatPayload
    mid: Annotated[str, msgspec.Meta(max_length=MAX_MID)] = ""
    idx: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)] = UNNUMBERED
    fin: bool | None = None


#: Reads a chat packet that is as documented; a `ValueError` or `RecursionError` for any other.
read_chat = msgspec.json.Decoder(ChatWire).decode


class Part(NamedTuple):
    """One part of a chat message."""

    mid: str
    sender: Sender | None
    idx: int
    fin: bool
    text: str


def read(packet: bytes) -> Part | CommandAnswer | SpeechEvent | Command:
    """Reads any packet, leniently.

    Raises:
        NotOursError: it isn't ours or isn't understood.
    """
    value = read_object(packet)
    version = read_int(value.get("v"))
    if version != VERSION:
        raise NotOursError("no version" if "v" not in value else "of another version than 2")
    kind = value.get("type")
    pld = value.get("pld")
    if kind not in ("chat", "command", "cmd", "event"):
        raise NotOursError("of another type than chat, command and event")
    if not isinstance(pld, dict):
        raise NotOursError("pld is no object")
    mid = read_id(value.get("mid"), "mid")
    if kind == "chat":
        return _read_part(value, pld, mid)
    if kind == "event":
        if not isinstance(pld.get("event"), str):
            raise NotOursError("pld.event is no string")
        return SpeechEvent(replace_surrogates(pld["event"]), mid)
    return _read_command(pld, mid)


def _read_part(value: dict[str, Any], pld: dict[str, Any], mid: str) -> Part:
    text = pld.get("text")
    if not isinstance(text, str):
        raise NotOursError("pld.text is no string")
    given = value.get("idx", pld.get("idx"))
    idx = UNNUMBERED if given is None else read_int(given)
    if idx is None or (idx < 0 and given is not None):
        raise NotOursError("idx is no number of a part")
    fin = read_bool(value.get("fin")) or read_bool(pld.get("fin")) or False
    return Part(mid, read_sender(pld.get("from")), idx, fin, text)


def _read_command(pld: dict[str, Any], mid: str) -> CommandAnswer | Command:
    cmd = pld.get("cmd")
    if not isinstance(cmd, str):
        raise NotOursError("pld.cmd is no string")
    if "code" in pld:
        code = read_int(pld["code"])
        if code is None:
            raise NotOursError("pld.code is no number")
        msg = pld.get("msg")
        msg = replace_surrogates(msg) if isinstance(msg, str) else ""
        return CommandAnswer(replace_surrogates(cmd), code, msg, mid)
    data = pld.get("data")
    if data is None:
        data = {}
    try:
        data = read_texts(data)
        if cmd == "interrupt":
            return Interrupt(mid)
        if cmd == "set-params":
            return SetParams(mid, **msgspec.convert(data, _Params, strict=False).given())
        if cmd == "set-action":
            return SetAction(mid, **msgspec.convert(data, _Action).given())
    except (ValueError, RecursionError):
        raise NotOursError(f"{cmd} with unusable data") from None
    raise NotOursError("a command that isn't known, or an answer without a code")


class _Given(msgspec.Struct):
    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__struct_fields__}


class _Action(_Given):
    action: str | None = None
    expression: str | None = None


class _Params(_Given):
    lang: str | None = None
    mode: Literal[1, 2] | None = None
    bgurl: str | None = None
    vparams: VoiceParams | None = None
    vid: str | None = None
    vurl: str | None = None

    def given(self) -> dict[str, Any]:
        """Puts the deprecated `vid` and `vurl` where they belong today."""
        given = super().given()
        old = {name: value for name in ("vid", "vurl") if (value := given.pop(name))}
        if old:
            voice = given["vparams"] or VoiceParams()
            old = {name: value for name, value in old.items() if getattr(voice, name) is None}
            given["vparams"] = msgspec.structs.replace(voice, **old)
        return given


def command_packet(message: Command | CommandAnswer | SpeechEvent) -> bytes:
    """The packet of a message other than chat, exactly as documented; empty fields are left out.

    Raises:
        InvalidParameterError: a field's value that the documents don't know.
    """
    pld: dict[str, Any]
    kind = "command"
    if isinstance(message, Interrupt):
        pld = {"cmd": "interrupt"}
    elif isinstance(message, SetParams):
        pld = {"cmd": "set-params", "data": params_data(message)}
    elif isinstance(message, SetAction):
        pld = {"cmd": "set-action", "data": action_data(message)}
    elif isinstance(message, CommandAnswer):
        pld = {"cmd": message.cmd, "code": message.code, "msg": message.msg}
    else:
        kind, pld = "event", {"event": message.event}
    packet: dict[str, Any] = {"v": VERSION, "type": kind}
    if message.mid:
        packet["mid"] = message.mid
    packet["pld"] = pld
    try:
        return dump(packet)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParameterError("message", f"has no JSON form: {error}") from None


class ChatEnvelope:
    """The JSON before and after the text of a chat message's parts."""

    depth = 1
    has_end = True

    def __init__(self, mid: str, sender: Sender | None) -> None:
        self._head = b'{"v":2,"type":"chat","mid":' + dump(mid) + b',"idx":'
        pld = b'"pld":{' + (b'"from":' + dump(sender) + b"," if sender else b"") + b'"text":"'
        self._tails = (b',"fin":false,' + pld, b',"fin":true,' + pld)

    def wrap(self, idx: int, *, last: bool) -> tuple[bytes, bytes]:
        """What comes before and after the text of part `idx`."""
        return b"%b%d%b" % (self._head, idx, self._tails[last]), b'"}}'
