"""How a job is written down and read again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from akool_fleet.bots import (
    BotSettings,
    JobOrder,
    check_arguments,
    check_function,
    read_order,
    write_order,
)

from akool_async.errors import InvalidParameterError

#: Nested deeper than can be written.
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


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
        ({"kwargs": {"x": {1: "a"}}}, "arguments", "strings as keys"),
        ({"kwargs": {"x": [{True: "a"}]}}, "arguments", "strings as keys"),
        ({"args": ("half \ud83d",)}, "arguments", "JSON can hold"),
        ({"args": (DEEP,)}, "arguments", "JSON can hold"),
        ({"stream_type": "flv"}, "stream_type", "livekit, agora, trtc"),
        ({"stream_type": None}, "stream_type", "livekit, agora, trtc"),
        ({"session": ["voice_id"]}, "session", "isn't a mapping"),
        ({"session": {"voice": "a", "voise_id": "b"}}, "session.voise_id", "no keyword"),
        ({"session": {"self": "b"}}, "session.self", "no keyword"),
        ({"session": {"duration": 5}}, "session.duration", "max_session"),
        ({"session": {"on_created": print}}, "session.on_created", "the fleet"),
        ({"session": {"renew": "quiet"}}, "session.renew", "another job"),
        ({"session": {"take_over": True}}, "session.take_over", "other workers"),
        ({"session": {"legacy": True}}, "session.legacy", "version 4"),
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


async def greet(avatar: object, customer: str, *, mood: str = "glad") -> None:
    """A bot that no test here runs."""


@pytest.mark.parametrize(
    ("args", "kwargs"), [(("Ada",), {}), ((), {"customer": "Ada"}), (("Ada",), {"mood": "sad"})]
)
def test_what_a_bot_takes_is_sent(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    check_arguments(BotSettings("greet", greet, "finish", 0), args, kwargs)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((), {}, "'customer'"),
        (("Ada", "sad"), {}, "too many"),
        (("Ada",), {"moood": 1}, "'moood'"),
        (("Ada",), {"avatar": 1}, "multiple values"),
    ],
)
def test_what_a_bot_does_not_take_is_refused(
    args: tuple[Any, ...], kwargs: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidParameterError, match=says) as caught:
        check_arguments(BotSettings("greet", greet, "finish", 0), args, kwargs)
    assert caught.value.field == "arguments"


async def takes_nothing() -> None:
    """Not even the avatar."""


async def takes_a_keyword_of_send(avatar: object, *, session: str) -> None:
    """Which `send` would keep for itself."""


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda avatar: None, "async function"),
        (5, "async function"),
        (takes_nothing, "avatar first"),
        (takes_a_keyword_of_send, "'session' as a keyword"),
    ],
)
def test_what_can_be_no_bot_is_refused(function: object, problem: str) -> None:
    with pytest.raises(InvalidParameterError, match=problem) as caught:
        check_function("f", function)
    assert caught.value.field == "function"
