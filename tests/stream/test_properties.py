"""Whatever the text, the limits and the network: complete means equal to what was sent."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from akool_async.stream import (
    Chat,
    ChatDelta,
    LatePart,
    PacketLimits,
    PartialChat,
    QuestionOptions,
    ReassemblyBounds,
    Received,
    StreamCodec,
)

#: All of Unicode, halves of surrogate pairs included, and what JSON escapes more often.
ANY_CHARACTER = st.one_of(
    st.characters(),
    st.characters(categories=["Cs"]),
    st.sampled_from('\\"/\b\f\n\r\t\0 \u2028é中😀n\ud83d\ude00'),
)
TEXTS = st.one_of(
    st.text(ANY_CHARACTER, max_size=40),
    st.builds(
        lambda piece, times: piece * times, st.text(ANY_CHARACTER, max_size=12), st.integers(1, 300)
    ),
    st.builds(
        " ".join, st.lists(st.text(st.characters(categories=["L"]), max_size=9), max_size=200)
    ),
)
LIMITS = st.builds(PacketLimits, st.one_of(st.integers(200, 320), st.integers(200, 70_000)))
SENDERS = st.sampled_from(["bot", "user", None])


def as_received(text: str) -> str:
    """Two halves of a pair that meet are one character; one that is alone is replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def decode_all(codec: StreamCodec, packets: Iterable[bytes], *, now: float = 0.0) -> list[Received]:
    return [message for packet in packets for message in codec.decode(packet, now=now)]


def deltas(received: Iterable[Received], mid: str) -> str:
    return "".join(m.text for m in received if isinstance(m, ChatDelta) and m.mid == mid)


@settings(deadline=None)
@given(text=TEXTS, limits=LIMITS, sender=SENDERS)
def test_arrives_as_received(text: str, limits: PacketLimits, sender: str | None) -> None:
    codec = StreamCodec(limits)
    packets = codec.encode(Chat(text, "msg-1", sender))
    assert all(len(packet) <= limits.max_bytes for packet in packets)
    # Filled, but for what a word boundary or a whole escape at the cut may cost.
    assert all(len(packet) >= 0.95 * limits.max_bytes - 6 for packet in packets[:-1])
    received = decode_all(codec, packets)
    assert received[-1] == Chat(as_received(text), "msg-1", sender)
    assert all(isinstance(message, ChatDelta) for message in received[:-1])
    assert deltas(received, "msg-1") == as_received(text)
    assert codec.held_bytes == 0
    assert codec.deadline() is None


@settings(deadline=None)
@given(text=TEXTS, limits=LIMITS, sender=st.sampled_from(["bot", None]))
def test_arrives_as_sent_in_version_3(text: str, limits: PacketLimits, sender: str | None) -> None:
    codec = StreamCodec(limits, "v3", own_id="server_1", peer_id="client_1", quiet_time=2.0)
    options = QuestionOptions(language="en", mode_type=2)
    packets = codec.encode(Chat(text, "msg-1", sender, options=options))
    assert all(len(packet) <= limits.max_bytes for packet in packets)
    received = decode_all(codec, packets)
    assert all(isinstance(message, ChatDelta) for message in received)
    assert codec.deadline() == 2.0
    received += codec.expire(2.0)
    assert received[-1] == Chat(as_received(text), "msg-1", sender, "quiet", options)
    assert deltas(received, "msg-1") == as_received(text)
    assert codec.held_bytes == 0


@settings(deadline=None)
@given(
    pieces=st.lists(st.tuples(TEXTS, st.booleans()), max_size=12),
    limits=LIMITS,
    ending=TEXTS,
    dialect=st.sampled_from(["v2", "v3"]),
)
def test_a_text_fed_piece_by_piece_arrives_whole(
    pieces: list[tuple[str, bool]], limits: PacketLimits, ending: str, dialect: str
) -> None:
    codec = StreamCodec(limits, dialect)
    writer = codec.open_chat("msg-1")
    packets = []
    for text, flush in pieces:
        packets += [packet.data for packet in writer.add(text)]
        if flush:
            packets += [packet.data for packet in writer.flush()]
    packets += [packet.data for packet in writer.finish(ending)]
    whole = as_received("".join(text for text, _ in pieces) + ending)
    assert all(len(packet) <= limits.max_bytes for packet in packets)
    assert writer.parts == len(packets)
    received = decode_all(codec, packets)
    received += codec.finish("msg-1", None, ended="quiet", now=0.0)
    assert isinstance(received[-1], Chat)
    assert received[-1].text == whole
    assert deltas(received, "msg-1") == whole


@settings(deadline=None)
@given(data=st.data(), texts=st.lists(TEXTS, min_size=1, max_size=4), limits=LIMITS)
def test_any_loss_doubling_and_order(
    data: st.DataObject, texts: list[str], limits: PacketLimits
) -> None:
    codec = StreamCodec(limits, bounds=ReassemblyBounds(age=10.0))
    sent = {f"msg-{number}": as_received(text) for number, text in enumerate(texts)}
    parts = [
        (mid, idx, packet)
        for mid, text in sent.items()
        for idx, packet in enumerate(codec.encode(Chat(text, mid, "bot")))
    ]
    arrived = data.draw(st.lists(st.sampled_from(parts), max_size=3 * len(parts)))
    if data.draw(st.booleans()):  # all of them, too, in some order
        arrived += data.draw(st.permutations(parts))
    received = decode_all(codec, (packet for _, _, packet in arrived))
    open_before = codec.deadline()
    given_up = codec.expire(10.0)

    for mid, text in sent.items():
        count = sum(1 for name, _, _ in parts if name == mid)
        there = {idx for name, idx, _ in arrived if name == mid}
        complete = [m for m in received if isinstance(m, Chat) and m.mid == mid]
        partial = [m for m in given_up if isinstance(m, PartialChat) and m.mid == mid]
        if len(there) == count:
            assert complete == [Chat(text, mid, "bot")]
            assert partial == []
            assert deltas(received, mid) == text
        else:
            assert complete == []
            assert text.startswith(deltas(received, mid))
            assert len(partial) == (1 if there else 0)
        if partial:
            [given] = partial
            gaps = {idx for idx in range(count) if idx not in there}
            known = (
                gaps
                if count - 1 in there
                else {i for i in gaps if i < max(there)} | {max(there) + 1}
            )
            assert given.missing == tuple(sorted(known))
            assert given.reason == "age"
            assert given.text.startswith(deltas(received, mid))
    assert not any(isinstance(message, LatePart) for message in received)
    assert (open_before is None) == (given_up == [])
    assert codec.held_bytes == 0


@settings(deadline=None)
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(["", "a", "b"]),
            st.one_of(st.none(), st.integers(0, 6)),
            st.booleans(),
            st.sampled_from(["", "x", "y", "\ud83d", "\ude00"]),
        ),
        max_size=40,
    )
)
def test_a_contradicting_peer_loses_nothing_silently(
    parts: list[tuple[str, int | None, bool, str]],
) -> None:
    """Whatever parts come, each mid is ended once, and each part is reported or is a double."""
    import json

    codec = StreamCodec(PacketLimits(1000), bounds=ReassemblyBounds(parts=5, messages=2))
    received: list[Received] = []
    for mid, idx, fin, text in parts:
        packet = {
            "v": 2,
            "type": "chat",
            "mid": mid,
            "fin": fin,
            "pld": {"from": "bot", "text": text},
        }
        if idx is not None:
            packet["idx"] = idx
        received += codec.decode(json.dumps(packet).encode(), now=0.0)
    received += codec.expire(1e9)
    assert codec.held_bytes == 0
    for mid in ("a", "b"):
        of_mid = [m for m in received if getattr(m, "mid", None) == mid]
        ends = [m for m in of_mid if isinstance(m, Chat | PartialChat)]
        assert len(ends) == (1 if any(name == mid for name, *_ in parts) else 0)
        if ends:
            [end] = ends
            joined = deltas(of_mid, mid)
            if isinstance(end, Chat):
                assert joined == end.text
            reported = end.text + "".join(m.text for m in of_mid if isinstance(m, LatePart))
            for letter in "xy":
                if any(text == letter for name, _, _, text in parts if name == mid):
                    assert letter in reported
