from __future__ import annotations

import decimal
import enum
import fractions
import itertools
import math

import pytest

from akool_async import validation
from akool_async.errors import AkoolError, InvalidParameterError


@pytest.mark.parametrize("value", [0, -1, 3601, True, 1.0, "5", None])
def test_whole_numbers_out_of_range_or_of_another_type_are_refused(value: object) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        validation.whole("duration", value, 1, 3600, unit="seconds")
    assert caught.value.field == "duration"
    assert str(value) in caught.value.problem
    assert "1..3600 seconds" in caught.value.problem
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, AkoolError)


@pytest.mark.parametrize("value", [1, 2, 3600])
def test_whole_numbers_in_range_are_kept(value: int) -> None:
    assert validation.whole("duration", value, 1, 3600) == value


@pytest.mark.parametrize("value", [0.79, 1.21, math.nan, math.inf, "1", True])
def test_numbers_out_of_range_are_refused(value: object) -> None:
    with pytest.raises(InvalidParameterError, match=r"speed: .*0\.8\.\.1\.2"):
        validation.number("speed", value, 0.8, 1.2)


def test_a_choice_is_of_the_very_type() -> None:
    assert validation.choice("mode_type", 1, (1, 2)) == 1
    for wrong in (True, 1.0, "1", 3):
        with pytest.raises(InvalidParameterError, match="use one of: 1, 2"):
            validation.choice("mode_type", wrong, (1, 2))


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
        validation.text("name", value, max_length=10)


def test_a_long_text_is_measured_but_not_quoted() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        validation.text("prompt", "something private" * 1000, max_length=10)
    assert "private" not in str(caught.value)


def test_a_secret_of_a_wrong_type_is_not_quoted() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        validation.text("token", ["very-private-token"], secret=True)
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
        validation.url("url", value)


def test_urls_are_kept_as_they_are() -> None:
    address = "https://Host.example/a%20b?sig=1#x"
    assert validation.url("url", address) == address
    assert validation.url("u", "ws://127.0.0.1:7880", ("wss", "ws")) == "ws://127.0.0.1:7880"


def test_lists_become_comma_lists() -> None:
    assert validation.text_list("style", ["calm", "warm"]) == "calm,warm"
    assert validation.text_list("style", "calm,warm") == "calm,warm"
    for wrong in ([], ["a,b"], [""], 5):
        with pytest.raises(InvalidParameterError, match=r"^style: "):
            validation.text_list("style", wrong)  # type: ignore[arg-type]


def test_unknown_keys_are_named_with_their_path() -> None:
    with pytest.raises(InvalidParameterError, match=r"voice_params\.sped: .*known: speed"):
        validation.known_keys("voice_params", {"sped": 1}, ("speed",))


class Markup(str):
    """As template engines make them: `str()` of it isn't its text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "escaped"


class Word(enum.StrEnum):
    GERMAN = "de"


class Mixed(str, enum.Enum):  # noqa: UP042 - what older programs have
    GERMAN = "de"


class Mode(enum.IntEnum):
    DIALOGUE = 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Markup("de"), "de"),
        (Word.GERMAN, "de"),
        (Mixed.GERMAN, "de"),
        (Mode.DIALOGUE, 2),
        (fractions.Fraction(1, 2), 0.5),
        (True, True),
        (None, None),
    ],
)
def test_values_become_those_of_built_in_types(value: object, expected: object) -> None:
    given = validation.plain(value)
    assert given == expected
    assert type(given) is type(expected)


def test_numpy_values_become_those_of_built_in_types() -> None:
    numpy = pytest.importorskip("numpy")
    assert type(validation.text("lang", numpy.str_("de"))) is str
    for kind in (numpy.int8, numpy.int64, numpy.uint32):
        assert type(validation.mode("mode", kind(2))) is int
        assert type(validation.whole("duration", kind(60), 1, 3600)) is int
    for kind in (numpy.float16, numpy.float32, numpy.float64):
        assert type(validation.speed("speed", kind(1))) is float
    yes = numpy.bool_(1)
    for wrong in (yes, numpy.array([1, 2]), numpy.bytes_(b"x"), numpy.datetime64(1, "s")):
        for check in (validation.mode, validation.speed, validation.text, validation.flag):
            with pytest.raises(InvalidParameterError, match=r"^field: "):
                check("field", wrong)


def test_odd_numbers_are_refused_by_name() -> None:
    odd: list[object] = [10**400, -(10**400), 10**5000, math.inf, [[[]]], object(), b"1"]
    for value, check in itertools.product(
        [*odd, decimal.Decimal(1)],
        (validation.mode, validation.speed, validation.seconds, validation.stt_type),
    ):
        with pytest.raises(InvalidParameterError, match=r"^field: ") as caught:
            check("field", value)
        assert len(str(caught.value)) < 200


def test_a_value_whose_repr_fails_is_refused_by_its_type() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(InvalidParameterError, match="a value of type Odd"):
        validation.text("lang", Odd())


def test_two_halves_in_one_text_are_joined() -> None:
    assert validation.text("text", "a\ud83d\ude00b") == "a\U0001f600b"
    for cut in ("a\ud83d", "\ude00b", "\ude00\ud83d"):
        with pytest.raises(InvalidParameterError, match="half of a surrogate pair") as caught:
            validation.speech("text", cut)
        assert caught.value.__cause__ is None


def test_speech_is_never_quoted() -> None:
    for wrong in (b"very private", ["very private"], "private\ud83d"):
        with pytest.raises(InvalidParameterError) as caught:
            validation.speech("text", wrong)
        assert "private" not in str(caught.value)


def test_time_limits() -> None:
    assert validation.seconds("timeout", 0.5) == 0.5
    for wrong in (0, -1, True, "5", math.nan, math.inf, None):
        with pytest.raises(InvalidParameterError, match=r"^timeout: .*seconds above 0"):
            validation.seconds("timeout", wrong)


def test_pronunciations() -> None:
    given = validation.pronunciations("pron_map", {Markup("akool"): Word.GERMAN})
    assert given == {"akool": "de"}
    assert {type(one) for pair in given.items() for one in pair} == {str}
    for wrong, field in (
        ([], "pron_map"),
        ({"": "a"}, "pron_map"),
        ({1: "a"}, "pron_map"),
        ({"a\ud83d": "a"}, "pron_map"),
        ({"a": " "}, "pron_map.a"),
        ({"a": 1}, "pron_map.a"),
        ({"a": "\ude00"}, "pron_map.a"),
    ):
        with pytest.raises(InvalidParameterError) as caught:
            validation.pronunciations("pron_map", wrong)
        assert caught.value.field == field


def test_turn_detection() -> None:
    given = {"type": Markup("server_vad"), "threshold": 1, "silence_duration_ms": None}
    assert validation.turn_detection("vad", given) == {"type": "server_vad", "threshold": 1}
    assert validation.turn_detection("vad", {}) == {}
    for wrong, field in (
        ("server_vad", "vad"),
        ({"type": "vad"}, "vad.type"),
        ({"type": []}, "vad.type"),
        ({"treshold": 1}, "vad.treshold"),
        ({("a", 1): 1}, "vad.('a', 1)"),
        ({"threshold": 1.1}, "vad.threshold"),
        ({"prefix_padding_ms": 1.5}, "vad.prefix_padding_ms"),
        ({"silence_duration_ms": -1}, "vad.silence_duration_ms"),
        ({"type": "semantic_vad", "threshold": 0.5}, "vad.threshold"),
    ):
        with pytest.raises(InvalidParameterError) as caught:
            validation.turn_detection("vad", wrong)
        assert caught.value.field == field
