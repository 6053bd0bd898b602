from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from akool_async import AkoolClient
from akool_async.conversation import ConversationOptions, SessionInfo
from akool_async.errors import InvalidParameterError

NUMBERS = [
    field.name
    for field in dataclasses.fields(ConversationOptions)
    if isinstance(field.default, int | float) and not isinstance(field.default, bool)
]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, True, "5", float("nan")])
def test_a_limit_is_a_number_above_zero(name: str, value: object) -> None:
    with pytest.raises(InvalidParameterError, match="isn't a number above 0") as caught:
        ConversationOptions(**{name: value})
    assert caught.value.field == name


def test_a_number_that_no_clock_can_count_with_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="connect_timeout: is more than"):
        ConversationOptions(connect_timeout=10**400)
    assert type(ConversationOptions(connect_timeout=np.int64(5)).connect_timeout) is int


def test_some_may_be_none_and_one_is_a_flag() -> None:
    assert ConversationOptions(silence_after=None, ending_notice=None).silence_after is None
    assert ConversationOptions(suppress_echo=False).suppress_echo is False
    with pytest.raises(InvalidParameterError, match="isn't True or False"):
        ConversationOptions(suppress_echo=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 1.0), ("one", 1.5), ("one two  three", 2.5), ("\u4f60\u597d" * 2, 2.5)],
)
def test_how_long_speaking_may_take(text: str, seconds: float) -> None:
    """At two words a second; a text without spaces counts as a word, and each character half."""
    options = ConversationOptions(words_per_second=2.0, speech_margin=1.0)
    assert options.speaking_time(text) == seconds


def test_the_rooms_secret_name_is_in_no_repr() -> None:
    link = "https://video.example/x?sig=secret"
    info = SessionInfo(
        session_id="s1", pull_url="https://v.example/secret", voice_url=link, background_url=link
    )
    assert "secret" not in repr(info)
    assert "s1" in repr(info)


def test_telemetry_without_the_methods_of_measurements_is_refused():
    class OfSessions:
        def begin(self, attributes):
            return None

    with pytest.raises(InvalidParameterError, match=r"telemetry: .* has no method begin\(\)"):
        ConversationOptions(telemetry="otel")
    with pytest.raises(InvalidParameterError, match=r"telemetry: .* has no method request\(\)"):
        AkoolClient("key", telemetry=OfSessions())
    assert ConversationOptions(telemetry=OfSessions()).telemetry is not None
