from __future__ import annotations

import math

import pytest

from akool_async.errors import AkoolError, InvalidParameterError
from akool_async.models import checks


@pytest.mark.parametrize("value", [0, -1, 3601, True, 1.0, "5", None])
def test_whole_numbers_out_of_range_or_of_another_type_are_refused(value: object) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        checks.whole("duration", value, 1, 3600, unit="seconds")
    assert caught.value.field == "duration"
    assert str(value) in caught.value.problem
    assert "1..3600 seconds" in caught.value.problem
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, AkoolError)


@pytest.mark.parametrize("value", [1, 2, 3600])
def test_whole_numbers_in_range_are_kept(value: int) -> None:
    assert checks.whole("duration", value, 1, 3600) == value


@pytest.mark.parametrize("value", [0.79, 1.21, math.nan, math.inf, "1", True])
def test_numbers_out_of_range_are_refused(value: object) -> None:
    with pytest.raises(InvalidParameterError, match=r"speed: .*0\.8\.\.1\.2"):
        checks.number("speed", value, 0.8, 1.2)


def test_a_choice_is_of_the_very_type() -> None:
    assert checks.choice("mode_type", 1, (1, 2)) == 1
    for wrong in (True, 1.0, "1", 3):
        with pytest.raises(InvalidParameterError, match="use one of: 1, 2"):
            checks.choice("mode_type", wrong, (1, 2))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "empty"),
        ("  ", "empty"),
        (5, "isn't a string"),
        ("x" * 11, "11 characters, at most 10"),
        ("a\ud83d", "surrogate"),
    ],
)
def test_texts_are_checked(value: object, problem: str) -> None:
    with pytest.raises(InvalidParameterError, match=problem):
        checks.text("name", value, max_length=10)


def test_a_long_text_is_measured_but_not_quoted() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        checks.text("prompt", "something private" * 1000, max_length=10)
    assert "private" not in str(caught.value)


def test_a_secret_of_a_wrong_type_is_not_quoted() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        checks.text("token", ["very-private-token"], secret=True)
    assert "private" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "host/x",
        "ftp://host/x",
        "https://",
        "http://ho st/x",
        "https://[::1",
        "https://h:99999/",
    ],
)
def test_urls_that_lead_nowhere_are_refused(value: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"^url: "):
        checks.url("url", value)


def test_urls_are_kept_as_they_are() -> None:
    address = "https://Host.example/a%20b?sig=1#x"
    assert checks.url("url", address) == address
    assert checks.url("u", "ws://127.0.0.1:7880", ("wss", "ws")) == "ws://127.0.0.1:7880"


def test_lists_become_comma_lists() -> None:
    assert checks.text_list("style", ["calm", "warm"]) == "calm,warm"
    assert checks.text_list("style", "calm,warm") == "calm,warm"
    for wrong in ([], ["a,b"], [""], 5):
        with pytest.raises(InvalidParameterError, match=r"^style: "):
            checks.text_list("style", wrong)  # type: ignore[arg-type]


def test_unknown_keys_are_named_with_their_path() -> None:
    with pytest.raises(InvalidParameterError, match=r"voice_params\.sped: .*known: speed"):
        checks.known_keys("voice_params", {"sped": 1}, ("speed",))
