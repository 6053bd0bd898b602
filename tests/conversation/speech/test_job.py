from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation.speech.job import (
    check_speech,
    end_source,
    failure_of,
)
from akool_async.errors import InvalidParameterError, TextSourceError


@pytest.mark.parametrize(
    ("split", "splitter", "field"),
    [("words", None, "split"), (None, None, "split"), ("one_message", "lines", "splitter")],
)
def test_wrong_settings_are_refused_by_name(split, splitter, field):
    with pytest.raises(InvalidParameterError) as caught:
        check_speech(split, splitter)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (asyncio.CancelledError(), "Catch it there if that is expected"),
        (BaseException(), "raised BaseException, which isn't an Exception"),
    ],
)
def test_what_is_no_exception_is_the_cause_of_one(cause, says):
    error = failure_of("the responder", cause)
    assert isinstance(error, TextSourceError)
    assert error.__cause__ is cause
    assert says in str(error)


def test_an_exception_is_reported_as_it_is():
    error = ValueError("the user's")
    assert failure_of("the responder", error) is error


async def test_closing_a_source_reports_what_that_raises():
    async def careless():
        try:
            yield "text"
        finally:
            raise ValueError("while closing")

    reported = []
    source = careless()
    await anext(source)
    await end_source(source, lambda error, where: reported.append((repr(error), where)))
    await end_source(object(), lambda error, where: reported.append((repr(error), where)))
    assert reported == [("ValueError('while closing')", "closing the text given to say()")]
