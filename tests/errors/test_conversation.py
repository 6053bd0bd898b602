from __future__ import annotations

import pytest

from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationError,
    ReplyIncompleteError,
    ReplyTimeoutError,
)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("bad mode", "set-params was answered with 1003: bad mode"),
        ("", "set-params was answered with 1003: no message"),
    ],
)
def test_a_rejected_command_quotes_the_answer(message: str, text: str) -> None:
    error = CommandRejectedError("set-params", 1003, message)
    assert str(error) == text
    assert (error.cmd, error.code, error.message) == ("set-params", 1003, message)


def test_what_did_arrive_of_a_reply_is_kept_out_of_the_message() -> None:
    late = ReplyTimeoutError("no end within 5 s", text="half of")
    lost = ReplyIncompleteError("lost", text="with a gap", missing=(1, 3))
    assert (late.text, lost.text, lost.missing) == ("half of", "with a gap", (1, 3))
    assert (str(late), str(lost)) == ("no end within 5 s", "lost")
    assert ReplyTimeoutError("late").text == ""


def test_only_a_command_without_an_answer_may_be_sent_again() -> None:
    retryable = {kind for kind in ConversationError.__subclasses__() if kind.retryable}
    assert retryable == {CommandTimeoutError}
