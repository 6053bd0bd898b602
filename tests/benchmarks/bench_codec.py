"""The codec: decoding, encoding, cutting and putting together; packets and pace."""

from __future__ import annotations

import json
import random
from timeit import Timer
from typing import Any, Literal

import msgspec

from akool_async.stream import (
    AGORA,
    Chat,
    Interrupt,
    PacketLimits,
    SendQueue,
    SetParams,
    StreamCodec,
    VoiceParams,
)
from framework import Bench, at_most_times, row

MID = "msg-1723629433573"
SENTENCE = {
    "ASCII": "The avatar says whatever it is told, and answers when it is asked something else. ",
    "Chinese": "数字人会说出你告诉它的每一句话，也会回答你提出的问题。今天天气很好，我们走走吧！",
    "mixed": 'She said "très bien" 👍🏽 — 然后大家都笑了 😂, naïvely, at 5 °C… Привет, мир! ',
}


def text_of(kind: str, size: int) -> str:
    """About `size` bytes of UTF-8, at most."""
    sentence = SENTENCE[kind]
    return sentence * (size // len(sentence.encode()))


class BarePayload(msgspec.Struct, rename={"sender": "from"}):
    text: str
    sender: str = ""


class BareChat(msgspec.Struct):
    """The fields of a chat packet, and nothing made of them."""

    v: int
    type: Literal["chat"]
    mid: str
    idx: int
    fin: bool
    pld: BarePayload


bare_decode = msgspec.json.Decoder(BareChat).decode


def chat_packet(text: str, *, mid: str = MID, idx: int = 0, fin: bool = True) -> bytes:
    pld = {"from": "bot", "text": text}
    packet = {"v": 2, "type": "chat", "mid": mid, "idx": idx, "fin": fin, "pld": pld}
    return json.dumps(packet, separators=(",", ":"), ensure_ascii=False).encode()


def decode_all(packets: list[bytes]) -> StreamCodec:
    codec = StreamCodec(AGORA)
    for packet in packets:
        codec.decode(packet, now=0.0)
    return codec


def bare_decode_all(packets: list[bytes]) -> None:
    for packet in packets:
        bare_decode(packet)


@row(
    "decode one chat packet",
    group="codec",
    unit="µs",
    counterpart="bare msgspec decode",
    goal={
        "a whole short answer": at_most_times(2.5),
        "a full part, ASCII": at_most_times(2.0),
        "a full part, Chinese": at_most_times(2.0),
    },
)
def decode_chat(bench: Bench) -> None:
    """A thousand packets a run: messages of one packet each, and parts of one long message."""
    count = 1000
    answers = [chat_packet(SENTENCE["ASCII"][:35], mid=f"msg-{n:013}") for n in range(count)]
    parts = {
        f"a full part, {kind}": [
            chat_packet(text_of(kind, 900), idx=idx, fin=False) for idx in range(count)
        ]
        for kind in ("ASCII", "Chinese")
    }
    for part, packets in {"a whole short answer": answers, **parts}.items():
        assert (decode_all(packets).held_bytes == 0) == (packets is answers)
        ours, bare = (
            Timer(lambda p=packets: decode_all(p)),
            Timer(lambda p=packets: bare_decode_all(p)),
        )
        for _ in bench.rounds():
            bench.record(
                part,
                ours=ours.timeit(50) / 50 / count * 1e6,
                counterpart=bare.timeit(50) / 50 / count * 1e6,
            )


@row(
    "encode one command",
    group="codec",
    unit="µs",
    counterpart="json.dumps of the ready dict",
    goal=at_most_times(3.0),
)
def encode_command(bench: Bench) -> None:
    codec = StreamCodec(AGORA)
    ready: dict[str, dict[str, Any]] = {
        "interrupt": {"v": 2, "type": "command", "mid": MID, "pld": {"cmd": "interrupt"}},
        "set-params": {
            "v": 2,
            "type": "command",
            "mid": MID,
            "pld": {
                "cmd": "set-params",
                "data": {"lang": "en", "mode": 2, "vparams": {"vid": "voice", "speed": 1.1}},
            },
        },
    }
    params = SetParams(MID, lang="en", mode=2, vparams=VoiceParams(vid="voice", speed=1.1))
    for part, message in (("interrupt", Interrupt(MID)), ("set-params", params)):
        assert json.loads(codec.encode(message)[0]) == ready[part]
        bench.time(
            lambda message=message: codec.encode(message),
            lambda data=ready[part]: json.dumps(data),
            part=part,
        )


@row(
    "cut 100 KB of text",
    group="codec",
    unit="ms",
    counterpart="one json.dumps of the text",
    goal=at_most_times(10.0),
)
def cut(bench: Bench) -> None:
    codec = StreamCodec(AGORA)
    for kind in SENTENCE:
        text = text_of(kind, 100_000)
        chat = Chat(text, MID)
        bench.time(lambda chat=chat: codec.encode(chat), lambda t=text: json.dumps(t), part=kind)


@row(
    "cut 10 MB of text",
    group="codec",
    unit="ms",
    counterpart="ten times cutting 1 MB",
    goal=at_most_times(1.5),
)
def cut_linear(bench: Bench) -> None:
    codec = StreamCodec(AGORA)
    for kind in SENTENCE:
        large = Chat(text_of(kind, 10_000_000), MID)
        small = Chat(text_of(kind, 1_000_000), MID)
        bench.time(
            lambda large=large: codec.encode(large),
            lambda small=small: [codec.encode(small) for _ in range(10)],
            part=kind,
        )


def shuffled(size: int) -> list[bytes]:
    packets = StreamCodec(AGORA).encode(Chat(text_of("mixed", size), MID, "bot"))
    random.Random(4).shuffle(packets)
    return packets


@row(
    "put together 100 KB in shuffled order",
    group="codec",
    unit="ms",
    counterpart="bare msgspec decode of the packets",
    goal=at_most_times(3.0),
)
def put_together(bench: Bench) -> None:
    packets = shuffled(100_000)
    assert decode_all(packets).held_bytes == 0
    bench.time(lambda: decode_all(packets), lambda: bare_decode_all(packets))


@row(
    "put together in shuffled order",
    group="codec",
    unit="ms",
    counterpart="as much in messages of 100 KB",
    goal=at_most_times(1.2),
)
def put_together_linear(bench: Bench) -> None:
    for size in (1_000_000, 4_000_000):
        large = shuffled(size)
        # Copies: the same packets again and again would stay in the processor's cache.
        small = [
            [bytes(bytearray(packet)) for packet in shuffled(100_000)]
            for _ in range(size // 100_000)
        ]
        bench.time(
            lambda large=large: decode_all(large),
            lambda small=small: [decode_all(packets) for packets in small],
            part=f"{size // 1_000_000} MB",
        )


def vendor_packets(text: str) -> list[bytes]:
    """The vendor's own rule: (960 - envelope) / 4 UTF-16 units a packet, whatever the text."""
    units = text.encode("utf-16-le")
    empty = json.dumps(
        {"v": 2, "type": "chat", "mid": MID, "idx": 0, "fin": False, "pld": {"text": ""}},
        separators=(",", ":"),
    )
    size = (960 - len(empty)) // 4 * 2
    packets = []
    for idx, start in enumerate(range(0, len(units), size)):
        piece = units[start : start + size].decode("utf-16-le", "surrogatepass")
        fin = start + size >= len(units)
        packet = {
            "v": 2, "type": "chat", "mid": MID, "idx": idx, "fin": fin, "pld": {"text": piece},
        }  # fmt: skip
        written = json.dumps(packet, separators=(",", ":"), ensure_ascii=False)
        # As JSON.stringify does, half a pair goes as its escape.
        packets.append(written.encode("utf-8", "backslashreplace"))
    return packets


def pacing(limits: PacketLimits, packets: list[bytes]) -> float:
    """Seconds from the first packet to the last, by the send queue."""
    queue = SendQueue(limits)
    queue.push(MID, packets)
    now = 0.0
    while (answer := queue.next(now)) is not None:
        now = answer if isinstance(answer, float) else now
    return now


def least(limits: PacketLimits, text: str) -> tuple[int, int]:
    """Packets and bytes that no cutting can go below: every packet full to the last byte."""
    escaped = len(json.dumps(text, ensure_ascii=False).encode()) - 2
    packets, total = 0, escaped
    while escaped > 0:
        empty = {"v": 2, "type": "chat", "mid": MID, "idx": packets, "fin": False}
        envelope = len(json.dumps({**empty, "pld": {"text": ""}}, separators=(",", ":")))
        escaped -= limits.max_bytes - envelope
        total += envelope
        packets += 1
    return packets, total - 1  # the last one says true, a byte less than false


def record_packets(bench: Bench, kind: str, limits: PacketLimits, size: int) -> None:
    text = text_of(kind, size)
    packets = StreamCodec(limits).encode(Chat(text, MID))
    fewest, fewest_bytes = least(limits, text)
    rate = limits.bytes_per_second
    assert rate is not None
    bench.record("packets", ours=len(packets), counterpart=fewest)
    bench.record("bytes", ours=sum(map(len, packets)), counterpart=fewest_bytes)
    bench.record("pacing", ours=pacing(limits, packets), counterpart=fewest_bytes / rate)


PARTS = {
    "packets": at_most_times(1.03),
    "bytes": at_most_times(1.03),
    "pacing": at_most_times(1.05),
}
UNITS = {"packets": "", "bytes": "", "pacing": "s"}


def _register_packets(kind: str) -> None:
    @row(
        f"10 KB of {kind} text at Agora's limits",
        group="codec",
        counterpart="the least that any cutting needs; its bytes at the budget's rate",
        units=UNITS,
        goal=PARTS,
    )
    def packets(bench: Bench) -> None:
        record_packets(bench, kind, AGORA, 10_240)

    @row(
        f"10 KB of {kind} text, ours beside the vendor's cutting",
        group="codec",
        counterpart="(960 - envelope) / 4 UTF-16 units a packet",
        units=UNITS,
        goal=dict.fromkeys(UNITS, at_most_times(1.0)),
    )
    def vendor(bench: Bench) -> None:
        text = text_of(kind, 10_240)
        ours, theirs = StreamCodec(AGORA).encode(Chat(text, MID)), vendor_packets(text)
        bench.record("packets", ours=len(ours), counterpart=len(theirs))
        bench.record("bytes", ours=sum(map(len, ours)), counterpart=sum(map(len, theirs)))
        bench.record("pacing", ours=pacing(AGORA, ours), counterpart=pacing(AGORA, theirs))


for _kind in SENTENCE:
    _register_packets(_kind)
