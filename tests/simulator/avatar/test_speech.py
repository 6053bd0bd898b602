from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from akool_async.simulator import ServiceBehavior
from akool_async.simulator.avatar.dialect import Dialect, Ignored, Question
from akool_async.simulator.avatar.dialect_v2 import DialectV2
from akool_async.simulator.avatar.dialect_v3 import DialectV3
from akool_async.simulator.avatar.speech import default_reply, pieces

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
# Near enough to a message to get past the first checks.
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "v": st.just(2) | JSON,
        "type": st.sampled_from(["chat", "command", "event"]) | JSON,
        "mid": st.text() | JSON,
        "idx": st.integers() | JSON,
        "fin": st.booleans() | JSON,
        "to": st.just("server_1"),
        "payload": st.text() | JSON.map(json.dumps),
        "pld": st.dictionaries(st.sampled_from(["text", "cmd", "data"]), JSON) | JSON,
    },
)


@given(st.text(), st.integers(1, 6), st.booleans())
def test_pieces_join_to_the_text(text: str, words: int, halves: bool) -> None:
    cut = list(pieces(text, words, halves_surrogates=halves))
    joined = "".join(piece.text for piece in cut)
    assert joined.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") == text
    assert [piece.last for piece in cut] == [False] * (len(cut) - 1) + [True]


@given(st.text(st.characters(min_codepoint=0x10000, max_codepoint=0x1F9FF)))
def test_a_piece_fits_the_smallest_packet_however_it_is_escaped(text: str) -> None:
    dialect = DialectV2(ServiceBehavior())
    for piece in pieces(text, 100):
        packet = dialect.chat(
            "msg-0123456789ab", 10**6, piece.text, last=False, question=Question("q", "")
        )
        assert len(packet) <= 1000


@given(st.binary() | (NEARLY | JSON).map(lambda message: json.dumps(message).encode()))
def test_nothing_that_comes_makes_an_avatar_fail(packet: bytes) -> None:
    dialects: list[Dialect] = [
        DialectV2(ServiceBehavior()),
        DialectV3(ServiceBehavior(), own_id="server_1", peer_id="client_1"),
    ]
    for dialect in dialects:
        for heard in dialect.read(packet, 0.0):
            assert not isinstance(heard, Ignored) or heard.reason


@given(st.data(), st.lists(st.text(max_size=3), min_size=1, max_size=8))
def test_parts_are_joined_whatever_their_order(data: st.DataObject, texts: list[str]) -> None:
    dialect = DialectV2(ServiceBehavior())
    parts = list(enumerate(texts))
    # Some come twice, one comes that belongs to no message.
    again = data.draw(st.lists(st.sampled_from(parts), max_size=3))
    order = data.draw(st.permutations([*parts, *again[:2], (len(texts) + 3, "stray")]))
    said: list[str] = []
    for idx, text in order:
        fin = idx == len(texts) - 1
        chat = {"v": 2, "type": "chat", "mid": "m", "idx": idx, "fin": fin, "pld": {"text": text}}
        heard = dialect.read(json.dumps(chat).encode(), 0.0)
        said += [item.text for item in heard if isinstance(item, Question)]
    assert said == ["".join(texts)]


def test_without_a_reply_function_the_avatar_greets_and_repeats() -> None:
    assert default_reply("Hello!") == "Hello! How can I assist you today?"
    assert default_reply("What?") == "You said: What?"
