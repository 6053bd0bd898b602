from __future__ import annotations

from akool_async.stream import AGORA, CHATROOM, StreamCodec
from akool_async.stream.dialects import capabilities_of


def test_what_each_dialect_can_express() -> None:
    v2, v3 = StreamCodec(AGORA).capabilities, StreamCodec(CHATROOM, "v3").capabilities
    assert (v2, v3) == (capabilities_of("v2"), capabilities_of("v3"))
    for name in ("has_commands", "has_audio_events", "reports_speech", "has_fin"):
        assert getattr(v2, name) is True
        assert getattr(v3, name) is False
