from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation.speech.job import (
    cancelled_itself,
    check_speech,
    end_source,
)
from akool_async.errors import InvalidParameterError, TextSourceError


class Reports:
    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def report(self, error: BaseException, where: str) -> None:
        self.errors.append((repr(error), where))


@pytest.mark.parametrize(
    ("split", "splitter", "field"),
    [("words", None, "split"), (None, None, "split"), ("one_message", "lines", "splitter")],
)
def test_wrong_settings_are_refused_by_name(split, splitter, field):
    with pytest.raises(InvalidParameterError) as caught:
        check_speech(split, splitter)
    assert caught.value.field == field


def test_the_error_of_what_cancelled_itself_says_what_to_do():
    cause = asyncio.CancelledError()
    error = cancelled_itself("the responder", cause)
    assert isinstance(error, TextSourceError)
    assert error.__cause__ is cause
    assert "Catch it there if that is expected" in str(error)


async def test_closing_a_source_reports_what_that_raises():
    async def careless():
        try:
            yield "text"
        finally:
            raise ValueError("while closing")

    reports = Reports()
    source = careless()
    await anext(source)
    await end_source(source, reports)
    await end_source(object(), reports)
    assert reports.errors == [("ValueError('while closing')", "closing the text given to say()")]
