"""`akool_async.transport.engines.relay_wire`: both directions of the relay's wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akool_async.media import PixelFormat
from akool_async.transport.engines import relay_wire


def test_a_join_request_is_flat_and_keeps_its_secret() -> None:
    request = relay_wire.JoinRequest("room", "7", "s3cret", {"app_id": "a"})
    assert request.to_dict() == {
        "channel": "room",
        "identity": "7",
        "credential": "s3cret",
        "app_id": "a",
    }
    assert "s3cret" not in repr(request)


def test_who_publishes_is_left_out_where_it_is_not_known() -> None:
    assert relay_wire.joined(["7"]) == {"event": "joined", "members": ["7"]}
    assert relay_wire.joined(["7"], [])["publishing"] == []


def test_where_the_relay_is() -> None:
    assert relay_wire.url("http://127.0.0.1:1/", "agora") == "http://127.0.0.1:1/loopback/agora"


@given(clock=st.floats(0, 1e9), command=st.integers(0, 255), payload=st.binary(max_size=50))
def test_a_sent_packet_is_read_as_it_was_packed(clock: float, command: int, payload: bytes) -> None:
    frame = relay_wire.pack_sent(clock, command, payload)
    assert relay_wire.unpack_sent(frame) == relay_wire.Sent(clock, command, payload)


@given(
    command=st.integers(0, 255),
    sender=st.text(st.characters(codec="utf-8"), max_size=60),
    payload=st.binary(max_size=50),
)
def test_a_relayed_packet_is_read_as_it_was_packed(
    command: int, sender: str, payload: bytes
) -> None:
    frame = relay_wire.pack_relayed(command, sender, payload)
    assert relay_wire.unpack_relayed(frame) == relay_wire.Relayed(command, sender, payload)


@given(
    pixels=st.sampled_from(["i420", "rgb24", "rgba"]),
    rotation=st.sampled_from([0, 90, 180, 270]),
    size=st.integers(1, 8192),
    data=st.binary(max_size=50),
)
def test_a_shown_picture_is_read_as_it_was_packed(
    pixels: PixelFormat, rotation: int, size: int, data: bytes
) -> None:
    shown = relay_wire.Shown(pixels, rotation, size, size, memoryview(data))
    assert relay_wire.unpack_shown(relay_wire.pack_shown(shown)) == shown


@pytest.mark.parametrize("frame", [b"", b"\x00" * 5, b"\x03" + b"\x00" * 9])
def test_a_shown_picture_that_is_none_is_a_value_error(frame: bytes) -> None:
    with pytest.raises(ValueError, match="shown picture"):
        relay_wire.unpack_shown(frame)


@given(st.binary(max_size=20))
def test_any_frame_is_read_or_a_value_error(frame: bytes) -> None:
    for unpack in (relay_wire.unpack_sent, relay_wire.unpack_relayed):
        try:
            packet = unpack(frame)
        except ValueError:
            continue
        assert frame.endswith(packet.payload)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000])
def test_a_text_frame_that_is_no_object_is_empty(text: str) -> None:
    assert relay_wire.read_object(text) == {}
