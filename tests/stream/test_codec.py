from __future__ import annotations

from typing import Any

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.stream import AGORA, Chat, ChatDelta, StreamCodec, new_mid


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"dialect": "v1"}, "dialect"), ({"quiet_time": 0.0}, "quiet_time")],
)
def test_a_codec_refuses_what_it_cannot_be(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        StreamCodec(AGORA, **arguments)
    assert refused.value.field == field


def test_mids_are_short_and_differ() -> None:
    mids = {new_mid() for _ in range(10_000)}
    assert len(mids) == 10_000
    assert all(mid.startswith("msg-") and len(mid) == 16 for mid in mids)


def test_a_whole_message_that_comes_twice_is_handed_out_once() -> None:
    codec = StreamCodec(AGORA)
    [packet] = codec.encode(Chat("Hi", "m", "bot"))
    assert codec.decode(packet, now=0.0) == [ChatDelta("Hi", "m", "bot"), Chat("Hi", "m", "bot")]
    assert codec.decode(packet, now=0.1) == []
    assert codec.duplicates == 1
    [asked] = codec.encode(Chat("Hi", "m", "user"))
    assert codec.decode(asked, now=0.2)[-1] == Chat("Hi", "m", "user")
    assert set(codec.marks_end) == {"bot", "user"}
