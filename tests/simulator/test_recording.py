from __future__ import annotations

import pytest

from akool_async.simulator.recording import Recording, StreamRecord, redacted


def test_a_recording_forgets_the_oldest_and_says_how_many() -> None:
    record: Recording[int] = Recording(3)
    for number in range(5):
        record.append(number)
    assert list(record) == record[:] == [2, 3, 4]
    assert (record[-1], len(record), record.forgotten) == (4, 3, 2)
    for _ in record:
        record.append(9)  # what is being looked at doesn't change under one's hands
    record.clear()
    assert not record


def test_redacted_goes_deep() -> None:
    body = {
        "credentials": {"agora_token": "x", "trtc_user_sig": "x", "agora_uid": 7},
        "list": [{"api_key": "x"}, "kept"],
        "client_chat_room_url": "x",
    }
    assert redacted(body) == {
        "credentials": {"agora_token": "***", "trtc_user_sig": "***", "agora_uid": 7},
        "list": [{"api_key": "***"}, "kept"],
        "client_chat_room_url": "***",
    }


def test_a_packets_text_is_in_no_repr() -> None:
    record = StreamRecord("id", "out", b'{"pld":{"text":"private"}}')
    assert "private" not in repr(record)
    assert record.message["pld"]["text"] == "private"
    with pytest.raises(ValueError, match="object"):
        _ = StreamRecord("id", "in", b"[]").message
