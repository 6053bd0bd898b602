"""How a job is written down and read again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from akool_fleet.bots import JobOrder, read_order, write_order

from akool_async.errors import InvalidParameterError


def written(**changed: Any) -> str:
    given: dict[str, Any] = {
        "avatar_id": "a",
        "stream_type": "livekit",
        "args": (),
        "kwargs": {},
        "session": None,
    }
    return write_order(**{**given, **changed})


def test_a_job_is_read_as_it_was_written() -> None:
    text = written(args=(1, "é", None), kwargs={"topic": [1.5]}, session={"language": "en"})
    assert read_order(text) == JobOrder(
        "a",
        (1, "é", None),
        {"topic": [1.5]},
        {"language": "en", "stream_type": "livekit"},
    )
    assert "é" in text  # not escaped: it is read by people, too


def test_the_callers_fields_are_left_as_they_are() -> None:
    session = {"language": "en"}
    written(session=session)
    assert session == {"language": "en"}


@pytest.mark.parametrize(
    ("changed", "field", "problem"),
    [
        ({"avatar_id": ""}, "avatar_id", "id of a streaming avatar"),
        ({"avatar_id": 5}, "avatar_id", "id of a streaming avatar"),
        ({"args": ({1},)}, "arguments", "JSON can hold"),
        ({"kwargs": {"x": float("nan")}}, "arguments", "JSON can hold"),
        ({"session": {"duration": 5}}, "session.duration", "the fleet's"),
        ({"session": {"on_created": print}}, "session.on_created", "the fleet's"),
        ({"session": {"avatar_id": "b"}}, "session.avatar_id", "give it to send()"),
        ({"session": {"stream_type": "agora"}}, "session.stream_type", "give it to send()"),
    ],
)
def test_what_can_not_be_sent_is_named(changed: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        written(**changed)
    assert caught.value.field == field
    assert problem in caught.value.problem


def test_a_job_is_one_line_of_json() -> None:
    text = written(args=("two\nlines",))
    assert "\n" not in text
    assert set(json.loads(text)) == {"avatar_id", "args", "kwargs", "session"}
