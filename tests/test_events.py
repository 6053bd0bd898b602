from __future__ import annotations

import inspect
from typing import Any

import msgspec
import pytest

from akool_async import events
from akool_async.events import Event, Idle, Reply, ReplyDone

KINDS = [
    kind
    for kind in vars(events).values()
    if inspect.isclass(kind) and issubclass(kind, Event) and kind is not Event
]


def sample(kind: type[Any]) -> Any:
    """One of a kind, from a value for each required field."""
    values: dict[str, Any] = {"reply": Reply("hi", "m", "fin"), "error": ValueError("x")}
    required = [one for one in msgspec.structs.fields(kind) if one.required]
    return kind(**{one.name: values.get(one.name, one.name) for one in required})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_is_public_and_cannot_be_changed(kind: type[Any]) -> None:
    assert kind.__name__ in events.__all__
    event = sample(kind)
    with pytest.raises(AttributeError):
        event.added = 1
    for field in kind.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(event, field, None)


def test_the_end_of_a_reply_has_its_text() -> None:
    reply = Reply("Hello", "m1", "fin", question="q1")
    assert ReplyDone(reply, "q1").text == "Hello"


def test_what_watches_for_idleness_is_no_part_of_the_event() -> None:
    event = Idle(30.0, watch=object())
    assert event == Idle(30.0)
    assert repr(event) == "Idle(seconds=30.0)"


def test_events_match_by_their_fields() -> None:
    match events.ReplyDelta("piece", "m1"):
        case events.ReplyDelta(text=text, question=None):
            assert text == "piece"
        case _:
            pytest.fail("no match")
