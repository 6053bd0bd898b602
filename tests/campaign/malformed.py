"""Packets, REST answers and what rooms bring with anything in them: typed errors, or none."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import rooms
from findings import Report, Violation
from fuzz_codec import ODD, Packets

from akool_async import AkoolClient
from akool_async.errors import AkoolError
from akool_async.models.avatar import Avatar
from akool_async.models.session import LegacySession, Session
from akool_async.rest.envelope import RawResponse
from akool_async.rest.request import get
from akool_async.stream import StreamCodec
from akool_async.stream.limits import CHATROOM, LIVEKIT

__all__ = ["run"]

CHUNK: Final = 5000
GOOD: Final[dict[str, Any]] = {
    "code": 1000,
    "msg": "OK",
    "data": {
        "_id": "6698f6ae9d7f0b1a2c3d4e5f",
        "uid": 101,
        "status": 2,
        "avatar_id": "dvp_Tristan_cloth2_1080P",
        "duration": 600,
        "credentials": {
            "livekit_url": "wss://127.0.0.1",
            "livekit_token": "t",
            "livekit_server_identity": "avatar",
        },
        "result": [{"avatar_id": "a", "name": "A", "status": 3}],
        "count": 1,
    },
}


def _packets(seed: int, report: Report, chunk: int) -> None:
    for dialect, limits in (("v2", LIVEKIT), ("v3", CHATROOM)):
        codec = StreamCodec(limits, dialect=dialect)
        now, source = 0.0, Packets(dialect, random.Random(seed))
        for number, packet in enumerate(islice(source, chunk)):
            now += 0.01
            try:
                for _ in codec.decode(packet, now=now):
                    report.counts["messages"] += 1
            except Exception as error:  # noqa: BLE001 - any is a violation
                report.violations.append(
                    Violation(
                        f"decode raised {error!r}",
                        f"malformed --seed {seed} --once",
                        (f"{dialect}, packet {number}: {packet[:200]!r}",),
                    )
                )
        report.counts["packets"] += chunk


def _answers(dice: random.Random) -> Iterator[bytes]:
    while True:
        body = json.dumps(_mutated(GOOD, dice)).encode()
        what = dice.random()
        if what < 0.2:
            body = body[: dice.randrange(len(body) + 1)]
        elif what < 0.4:
            at = dice.randrange(len(body))
            body = body[:at] + dice.randbytes(dice.randrange(1, 4)) + body[at + 1 :]
        yield body


def _mutated(value: Any, dice: random.Random) -> Any:
    if dice.random() < 0.06:
        return dice.choice(ODD)
    if isinstance(value, dict):
        kept = {key: _mutated(one, dice) for key, one in value.items() if dice.random() > 0.04}
        if dice.random() < 0.05:
            kept[dice.choice(("code", "data", "_id", "extra"))] = dice.choice(ODD)
        return kept
    if isinstance(value, list):
        return [_mutated(one, dice) for one in value]
    return value


async def _rest(seed: int, report: Report, chunk: int) -> None:
    dice = random.Random(seed)
    source = _answers(dice)
    async with AkoolClient("any-key-1234", base_url="http://127.0.0.1:9", max_retries=0) as akool:
        executor = akool._executor
        for number in range(chunk):
            body = next(source)
            status = dice.choice((200, 200, 200, 400, 404, 500))
            answer = RawResponse(status, body, "application/json", None)

            async def send(*_: Any, answer: RawResponse = answer) -> RawResponse:
                return answer

            kind = dice.choice((Session, LegacySession, Avatar))
            try:
                await executor.call(get("/api/open/x"), kind.model_validate, send=send)
                report.counts["answers read"] += 1
            except AkoolError:
                report.counts["answers refused"] += 1
            except Exception as error:  # noqa: BLE001 - any is a violation
                report.violations.append(
                    Violation(
                        f"reading an answer raised {error!r}",
                        f"malformed --seed {seed} --once",
                        (f"answer {number}, {kind.__name__}: HTTP {status} {body[:300]!r}",),
                    )
                )


def run(seconds: float, seed: int, *, once: bool = False, chunk: int = CHUNK) -> Report:
    """Packets and answers until `seconds` are over; `once`: a chunk of each."""
    report = Report("malformed")
    until = time.monotonic() + seconds
    while True:
        _packets(seed, report, chunk)
        asyncio.run(_rest(seed, report, chunk))
        asyncio.run(rooms.agora(seed, report, chunk))
        asyncio.run(rooms.livekit(seed, report, chunk))
        asyncio.run(rooms.chatroom(seed, report, max(1, chunk // 500)))
        seed += 1
        report.memory.look()
        if once or time.monotonic() > until:
            return report
