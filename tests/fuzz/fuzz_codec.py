"""Feeds the codec random and mutated packets: no exception, and no more memory than its bounds.

    python tests/fuzz/fuzz_codec.py --packets 1000000 [--seed N]

Prints what was tried; exits with 1 and the packet at the first failure. Half of the packets are
well-formed parts of messages under few mids, lost, doubled, reordered and contradicting each
other; the others are mutations of good packets: of their fields, or of their bytes.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import random
import sys
import time
import tracemalloc
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, get_args

from akool_async.stream import (
    AGORA,
    CHATROOM,
    Chat,
    ChatDelta,
    PartialChat,
    ReassemblyBounds,
    Received,
    StreamCodec,
)
from akool_async.stream.tolerant_json import MAX_MID

BOUNDS: Final = ReassemblyBounds(messages=32, parts=200, bytes=2**18, age=5.0, remembered=128)
#: What the codec may hold: open messages; names and hashes of ended ones; its own objects.
MOST_HELD: Final = BOUNDS.bytes + 2 * BOUNDS.remembered * (4 * MAX_MID + 64 * 8 + 512) + 200_000
SAMPLES: Final = Path(__file__).parent.parent / "samples" / "packets"
KINDS: Final = get_args(Received)

#: Values that JSON readers stumble over.
ODD: Final[list[Any]] = [
    None, True, False, 0, 1, -1, 2, 3.0, 0.5, 1e308, float("nan"), float("inf"), 10**30, 199, 200,
    2**53, 2**64, "", "0", "2", " 7 ", "-3", "٣", "²", "9" * 400, "true", "bot", "user", "chat",
    "command", "cmd", "event", "set-params", "set-action", "interrupt", "m" * 513, "m" * 512,
    "\0", "\ud83d", "\ude00", "\ud83d\ude00", "e30=", "eyJhIjoxfQ==", "{}", "[]", "\u2028" * 9,
    [], {}, [1, [2, [3]]], {"text": "x", "fin": True}, {"from": "bot", "text": "\udfff"},
]  # fmt: skip
#: Bytes that they stumble over.
STUMBLES: Final = [
    b'"', b"\\", b"\\u", b"\\ud83d", b"\\ude00", b"{", b"}", b"[", b",", b":", b"\0", b"NaN",
    b"null", b"\xed\xa0\xbd", b"\xff", b"\xef\xbb\xbf", b"1e999", b"\xf0\x9f\x98", b" ", b"\n",
]  # fmt: skip
TEXTS: Final = ["a", "word ", "中", "\N{GRINNING FACE}", "\ud83d", "\ude00", '"\\', "\0"]
FIELDS: Final = (
    "v", "type", "mid", "idx", "fin", "pld", "text", "from", "cmd", "code", "msg", "event", "data",
    "payload", "message_id", "answer", "question", "language", "mode_type", "prompt", "to", "vid",
    "mode", "vparams", "action",
)  # fmt: skip


class Packets:
    """An endless source of packets, the same for the same seed."""

    def __init__(self, dialect: str, rng: random.Random) -> None:
        self._rng = rng
        self._good = [path.read_bytes() for path in sorted(SAMPLES.glob(f"{dialect}/*.json"))]
        self._dialect = dialect
        self._count = 0
        self._recent: deque[bytes] = deque(maxlen=50)

    def __iter__(self) -> Iterator[bytes]:
        kinds: list[Callable[[], bytes]] = [
            self._part, self._part, self._part, self._part, self._again, self._part_of_a_crowd,
            self._odd_fields, self._odd_fields, self._odd_bytes, self._odd_bytes, self._noise,
        ]  # fmt: skip
        while True:
            self._count += 1
            packet = self._rng.choice(kinds)()
            self._recent.append(packet)
            yield packet

    def _text(self, place: int) -> str:
        """Of a part, mostly the same; sometimes another, or a long one."""
        rng = self._rng
        piece = TEXTS[(place if rng.random() < 0.95 else rng.randrange(999)) % len(TEXTS)]
        return piece * (3000 if rng.random() < 0.02 else place % 30)

    def _part(self, mids: int = 12) -> bytes:
        """Of one of a few messages, which are others after a while."""
        rng = self._rng
        number = rng.randrange(mids)
        mid = f"msg-{number}-{self._count // 200}"
        if self._dialect == "v3":
            name = rng.choice(["answer", "answer", "question"])
            payload = {"message_id": mid, name: self._text(rng.randrange(99))}
            return json.dumps({"type": "chat", "payload": json.dumps(payload)}).encode()
        last = number * 3 if rng.random() < 0.98 else rng.randrange(210)
        idx = rng.randrange(last + 1) if rng.random() < 0.99 else rng.randrange(210)
        pld = {"from": "bot" if number % 5 else "user", "text": self._text(idx + number)}
        packet = {"v": 2, "type": "chat", "mid": mid, "idx": idx, "fin": idx == last}
        return json.dumps({**packet, "pld": pld}).encode()

    def _part_of_a_crowd(self) -> bytes:
        return self._part(mids=10**9)

    def _again(self) -> bytes:
        return self._rng.choice(self._recent) if self._recent else b""

    def _odd_fields(self) -> bytes:
        rng = self._rng
        packet = json.loads(rng.choice(self._good))
        inner = packet.get("payload")
        if isinstance(inner, str) and rng.random() < 0.8:
            packet["payload"] = self._changed(json.loads(inner))
            if rng.random() < 0.9:
                packet["payload"] = json.dumps(packet["payload"])
        else:
            self._changed(packet)
        return json.dumps(packet, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")

    def _changed(self, value: dict[str, Any]) -> dict[str, Any]:
        rng = self._rng
        for _ in range(rng.randrange(1, 4)):
            place = value
            nested = [child for child in value.values() if isinstance(child, dict)]
            if nested and rng.random() < 0.5:
                place = rng.choice(nested)
            name = rng.choice([*place, *FIELDS]) if place else rng.choice(FIELDS)
            if rng.random() < 0.2:
                place.pop(name, None)
            else:
                place[name] = copy.deepcopy(rng.choice(ODD))
        return value

    def _odd_bytes(self) -> bytes:
        rng = self._rng
        packet = bytearray(rng.choice(self._good if rng.random() < 0.5 else [*self._recent, b"{}"]))
        for _ in range(rng.randrange(1, 5)):
            place = rng.randrange(len(packet) + 1)
            change = rng.randrange(5)
            if change == 0:
                packet[place : place + 1] = rng.randbytes(1)
            elif change == 1:
                del packet[place : place + rng.randrange(1, 20)]
            elif change == 2:
                packet[place:place] = rng.choice(STUMBLES)
            elif change == 3:
                packet = packet[:place]
            else:
                start = rng.randrange(len(packet) + 1)
                packet[place:place] = packet[start : start + rng.randrange(40)]
        return bytes(packet)

    def _noise(self) -> bytes:
        rng = self._rng
        if rng.random() < 0.01:
            return rng.choice([b"[", b'{"a":', b'{"v":2,"pld":[']) * rng.randrange(3000)
        return rng.randbytes(rng.randrange(60))


class FoundError(Exception):
    """What the fuzzer found."""


def check(codec: StreamCodec, received: list[Received], bounds: ReassemblyBounds) -> None:
    """What holds after any packet."""
    if codec.held_bytes > bounds.bytes:
        raise FoundError(f"holds {codec.held_bytes} bytes, more than {bounds.bytes}")
    for message in received:
        if not isinstance(message, KINDS):
            raise FoundError(f"{type(message).__name__} is no message")
        str(message)
        if isinstance(message, PartialChat) and not message.reason:
            raise FoundError("given up without a reason")
    ends = {(m.mid, m.sender) for m in received if isinstance(m, Chat | PartialChat)}
    later = {(m.mid, m.sender) for m in received[-1:] if isinstance(m, ChatDelta)}
    if codec.dialect == "v2" and ends & later and not any(not mid for mid, _ in ends & later):
        raise FoundError("a piece follows the end of its message")


def fuzz(packets: int, seed: int, *, codec: StreamCodec, say: Callable[[str], None]) -> int:
    """Feeds packets of the codec's dialect. Returns the most memory it held, in bytes.

    Raises:
        FoundError: an exception, a broken rule or too much memory; names the packet.
    """
    rng = random.Random(seed)
    source = iter(Packets(codec.dialect, rng))
    kinds: Counter[str] = Counter()
    now, most = 0.0, 0
    tracemalloc.start()
    try:
        for _ in range(200):  # what is made once: caches, compiled patterns
            next(source)
        base = tracemalloc.get_traced_memory()[0]
        for number in range(packets):
            packet = next(source)
            now += rng.random() * 0.02
            try:
                received = codec.decode(packet, now=now)
                if number % 64 == 0:
                    received += codec.expire(now)
                if number % 97 == 0:
                    received += codec.finish(
                        f"msg-{number % 12}-{number // 200}", "bot", ended="quiet", now=now
                    )
                check(codec, received, BOUNDS)
            except Exception as error:
                what = f"{type(error).__name__}: {error}: {packet[:300]!r}"
                raise FoundError(f"seed {seed}, packet {number}: {what}") from error
            kinds.update(type(message).__name__ for message in received)
            if number % 5000 == 0:
                del received
                gc.collect()
                held = tracemalloc.get_traced_memory()[0] - base
                most = max(most, held)
                if held > MOST_HELD:
                    raise FoundError(f"seed {seed}, packet {number}: {held} bytes of memory")
    finally:
        tracemalloc.stop()
    codec.expire(now + 1e6)
    if codec.held_bytes:
        raise FoundError(f"{codec.held_bytes} bytes are held after everything was given up")
    say(f"{codec.dialect}: {packets:,} packets gave {dict(kinds.most_common())}")
    say(f"{codec.dialect}: at most {most:,} bytes held, the bound is {MOST_HELD:,}")
    return most


def main(arguments: list[str] | None = None) -> int:
    """Runs the fuzzer from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--packets", type=int, default=1_000_000, help="how many in all")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    start = time.monotonic()
    version_3 = options.packets // 4
    try:
        for dialect, limits, count in (
            ("v2", AGORA, options.packets - version_3),
            ("v3", CHATROOM, version_3),
        ):
            codec = StreamCodec(limits, dialect, bounds=BOUNDS)
            fuzz(count, seed, codec=codec, say=lambda text: print(text, flush=True))
    except FoundError as failure:
        print(f"FAILED: {failure}", flush=True)
        return 1
    print(f"{options.packets:,} packets without a failure in {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
