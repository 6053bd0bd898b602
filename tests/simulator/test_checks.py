from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from akool_async.simulator import checks
from akool_async.simulator.checks import Refusal

Check = Callable[[dict[str, Any]], Any]

CHECKS: dict[str, Check] = {
    "text": lambda body: checks.text(body, "f", longest=5),
    "link": lambda body: checks.link(body, "f"),
    "number": lambda body: checks.number(body, "f", 0.5, 1.5),
    "integer": lambda body: checks.integer(body, "f", 1, 9),
    "at least": lambda body: checks.integer(body, "f", 1),
    "boolean": lambda body: checks.boolean(body, "f"),
    "choice": lambda body: checks.choice(body, "f", (1, "two")),
    "language": lambda body: checks.language(body, "f"),
    "section": lambda body: checks.section(body, "f"),
    "items": lambda body: checks.items(body, "f", str),
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_field_that_is_left_out_is_none(name: str) -> None:
    assert CHECKS[name]({}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "abcde"),
        ("link", "https://host/x"),
        ("number", 0.5),
        ("number", 1.5),
        ("integer", 1),
        ("integer", 9),
        ("at least", 10**9),
        ("boolean", False),
        ("choice", 1),
        ("choice", "two"),
        ("language", "en"),
        ("language", "zh-Hans-CN"),
        ("section", {}),
        ("items", []),
        ("items", ["a"]),
    ],
)
def test_right_values_are_given_back(name: str, value: Any) -> None:
    assert CHECKS[name]({"f": value}) == value


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("text", 5, "must be a string"),
        ("text", " ", "can not be empty"),
        ("text", "abcdef", "at most 5 characters"),
        ("link", "host/x", "must be a URL"),
        ("link", "ftp://host/x", "must be a URL (http, https)"),
        ("link", "https://", "must be a URL"),
        ("link", "http://[::1", "must be a URL"),
        ("number", "1", "must be a number"),
        ("number", True, "must be a number"),
        ("number", 0.4, "must be 0.5 to 1.5"),
        ("number", float("nan"), "must be 0.5 to 1.5"),
        ("integer", 1.0, "must be an integer"),
        ("integer", True, "must be an integer"),
        ("integer", 10, "must be 1 to 9"),
        ("at least", 0, "must be >= 1"),
        ("boolean", 1, "must be true or false"),
        ("choice", True, "must be one of 1, two"),
        ("choice", "1", "must be one of 1, two"),
        ("language", "english", "must be a language code"),
        ("section", [], "must be an object"),
        ("items", "a", "must be an array"),
        ("items", ["a", 5], "must be an array"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: Any, problem: str) -> None:
    with pytest.raises(Refusal) as caught:
        CHECKS[name]({"f": value})
    assert caught.value.code == checks.BAD_PARAMETER
    assert caught.value.message.startswith("f ")
    assert problem in caught.value.message


@pytest.mark.parametrize(
    "check",
    [
        lambda: checks.text({}, "f", required=True),
        lambda: checks.link({}, "f", required=True),
        lambda: checks.number({}, "f", 0, 1, required=True),
        lambda: checks.integer({}, "f", required=True),
        lambda: checks.choice({}, "f", (1,), required=True),
    ],
)
def test_a_required_field_cannot_be_left_out(check: Callable[[], Any]) -> None:
    with pytest.raises(Refusal, match="1003: f can not be empty"):
        check()


def test_a_text_may_be_empty_where_that_means_something() -> None:
    assert checks.text({"f": ""}, "f", empty=True) == ""


def test_empty_fields_count_as_left_out_at_every_depth() -> None:
    body = {"a": "", "b": {"c": "", "d": 0}, "e": None, "f": [""]}
    assert checks.without_empty(body) == {"b": {"d": 0}, "e": None, "f": [""]}


@pytest.mark.parametrize("raw", ["-1", "+1", "1.5", " 1", "", "٣", "0", "11", "9" * 10])
def test_a_wrong_number_in_the_query(raw: str) -> None:
    with pytest.raises(Refusal, match="f must be"):
        checks.query_integer({"f": raw}, "f", None, 1, 10)


def test_a_query_has_defaults() -> None:
    assert checks.query_integer({}, "f", 7) == 7
    assert checks.query_integer({"f": "10"}, "f", 7, 1, 10) == 10
    assert checks.query_choice({}, "f", ("a", "b"), "b") == "b"
    assert checks.query_choice({"f": "a"}, "f", ("a", "b")) == "a"
    with pytest.raises(Refusal, match="must be one of a, b"):
        checks.query_choice({"f": "c"}, "f", ("a", "b"))


def test_the_part_of_a_list() -> None:
    items = list(range(25))
    assert items[checks.page({}, size=10)] == items[:10]
    assert items[checks.page({"page": "3", "size": "10"}, size=5)] == items[20:]
    assert items[checks.page({"page": "9"}, size=10)] == []
    with pytest.raises(Refusal, match="size must be 1 to 100"):
        checks.page({"size": "101"}, size=10)
    assert checks.page({"size": "101"}, size=10, largest=None) == slice(0, 101)
