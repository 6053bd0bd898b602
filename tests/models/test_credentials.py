from __future__ import annotations

from typing import Any

import pytest

from akool_async.models.credentials import LiveKitCredentials, read_credentials

AGORA = {"agora_uid": 5, "agora_channel": "c", "agora_token": "t", "agora_app_id": "a"}
LIVEKIT = {"livekit_url": "wss://h", "livekit_token": "t"}
TRTC = {"trtc_app_id": 5, "trtc_room_id": "r", "trtc_user_id": "u", "trtc_user_sig": "s"}
KINDS: dict[str, dict[str, Any]] = {"agora": AGORA, "livekit": LIVEKIT, "trtc": TRTC}


def empty(fields: dict[str, Any], value: Any) -> dict[str, Any]:
    return dict.fromkeys(fields, value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nothing", ["", None])
@pytest.mark.parametrize("stream_type", ["agora", "livekit", "trtc", "another", None])
def test_fields_of_other_kinds_that_are_empty_dont_count(
    kind: str, nothing: Any, stream_type: str | None
) -> None:
    raw: dict[str, Any] = {}
    for fields in KINDS.values():
        raw |= empty(fields, nothing)
    read = read_credentials(raw | KINDS[kind], stream_type)
    assert read is not None
    assert read.kind == kind


@pytest.mark.parametrize("stream_type", KINDS)
def test_where_several_are_filled_the_stream_type_decides(stream_type: str) -> None:
    read = read_credentials({**AGORA, **LIVEKIT, **TRTC}, stream_type)
    assert read is not None
    assert read.kind == stream_type


def test_one_that_cant_be_read_gives_way() -> None:
    read = read_credentials({**LIVEKIT, "agora_channel": "c"}, "agora")
    assert isinstance(read, LiveKitCredentials)


@pytest.mark.parametrize("raw", [None, "", [], {}, {"new": 1}, {"agora_channel": "c"}, 5])
def test_what_is_not_there_is_none(raw: Any) -> None:
    assert read_credentials(raw, "agora") is None


def test_ids_as_numbers_and_numbers_as_text() -> None:
    read = read_credentials({"trtc_app_id": "5", "trtc_room_id": 7, "trtc_user_id": 8})
    assert read is not None
    assert read.to_dict() == {"trtc_app_id": 5, "trtc_room_id": "7", "trtc_user_id": "8"}


def test_a_password_in_an_address_isnt_shown() -> None:
    read = read_credentials({**LIVEKIT, "livekit_url": "wss://user:the-pass-word@h:1/rtc"})
    assert isinstance(read, LiveKitCredentials)
    assert "the-pass-word" not in repr(read) + str(read) + str(read.to_dict())
    assert "wss://***@h:1/rtc" in repr(read)
    assert read.to_dict(include_secrets=True)["livekit_url"] == read.livekit_url
    assert "the-pass-word" in read.livekit_url
