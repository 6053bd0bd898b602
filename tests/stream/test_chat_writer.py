"""A chat message whose text is still being written."""

from __future__ import annotations

import json

import pytest

from akool_async.stream import AGORA, CHATROOM, Chat, PacketLimits, QueuedPacket, StreamCodec


def test_small_pieces_wait_until_a_packet_is_full() -> None:
    writer = StreamCodec(AGORA).open_chat("msg-1")
    packets: list[QueuedPacket] = []
    fed = 0
    while not packets:
        packets = writer.add("token ")
        fed += 6
    assert len(packets) == 1
    assert 950 < len(packets[0].data) <= 1000
    assert fed > 900
    assert writer.waiting == fed - len(json.loads(packets[0].data)["pld"]["text"])


def test_flush_sends_what_there_is() -> None:
    writer = StreamCodec(AGORA).open_chat("msg-1", sender="bot")
    assert writer.flush() == []
    assert writer.add("Hello ") == []
    [first] = writer.flush()
    assert json.loads(first.data) == {
        "v": 2,
        "type": "chat",
        "mid": "msg-1",
        "idx": 0,
        "fin": False,
        "pld": {"from": "bot", "text": "Hello "},
    }
    assert writer.flush() == []
    [last] = writer.finish()
    assert json.loads(last.data)["idx"] == 1
    assert json.loads(last.data)["fin"] is True
    assert json.loads(last.data)["pld"]["text"] == ""
    assert writer.parts == 2


def test_half_a_pair_waits_for_its_other_half() -> None:
    writer = StreamCodec(AGORA).open_chat("msg-1")
    writer.add("a\ud83d")
    [first] = writer.flush()
    assert json.loads(first.data)["pld"]["text"] == "a"
    writer.add("\ude00b")
    [second] = writer.finish()
    assert json.loads(second.data)["pld"]["text"] == "\N{GRINNING FACE}b"


def test_half_a_pair_at_the_end_is_sent_as_it_is() -> None:
    writer = StreamCodec(AGORA).open_chat("msg-1")
    writer.add("a\ud83d")
    [packet] = writer.finish()
    assert json.loads(packet.data)["pld"]["text"] == "a\ud83d"


def test_finished_is_finished() -> None:
    writer = StreamCodec(AGORA).open_chat("msg-1")
    writer.finish("Hello")
    for again in (lambda: writer.add("x"), writer.flush, writer.finish):
        with pytest.raises(RuntimeError, match="msg-1 is finished"):
            again()


def test_fed_whole_or_in_pieces_the_packets_are_the_same() -> None:
    text = "The quick brown fox. " * 500
    writer = StreamCodec(AGORA).open_chat("msg-1")
    packets = [packet for letter in text for packet in writer.add(letter)]
    packets += writer.finish()
    assert [packet.data for packet in packets] == StreamCodec(AGORA).encode(Chat(text, "msg-1"))
    assert "".join(packet.text for packet in packets) == text


@pytest.mark.parametrize("dialect", ["v2", "v3"])
def test_each_packet_comes_with_its_key_and_the_text_it_carries(dialect: str) -> None:
    text = 'She said: "très bien" \\o/ 👍🏽\n\t\0 ' * 100
    codec = StreamCodec(PacketLimits(400), dialect)
    writer = codec.open_chat("msg-1")
    packets = [*writer.add(text), *writer.flush(), *writer.finish("The end.")]
    assert len(packets) > 10
    assert {packet.key for packet in packets} == {"msg-1"}
    assert "".join(packet.text for packet in packets) == text + "The end."
    for packet in packets:
        sent = json.loads(packet.data)
        payload = (
            sent["pld"]["text"] if dialect == "v2" else json.loads(sent["payload"])["question"]
        )
        assert packet.text == payload


def test_what_is_said_is_in_no_repr() -> None:
    [packet] = StreamCodec(CHATROOM, "v3").open_chat("msg-1").finish("very private")
    assert "private" not in repr(packet)
    assert repr(packet) == f"<QueuedPacket of msg-1: {len(packet.data)} bytes>"


def test_a_str_subclass_is_written_as_its_text() -> None:
    class Safe(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "escaped"

    writer = StreamCodec(AGORA).open_chat("msg-1")
    assert writer.add(Safe("Hel")) == []
    [packet] = writer.finish(Safe("lo"))
    assert (packet.text, type(packet.text)) == ("Hello", str)
    assert json.loads(packet.data)["pld"]["text"] == "Hello"
