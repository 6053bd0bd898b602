from __future__ import annotations

from akool_async.errors import (
    AvatarFailedError,
    SessionFailedError,
    SessionLeftOpenError,
    VoiceFailedError,
    WaitTimeoutError,
    WebhookError,
)


def test_waiting_too_long_has_the_last_status() -> None:
    assert WaitTimeoutError("late", status=2).status == 2
    assert WaitTimeoutError("late", status=None).retryable


def test_a_failed_session_has_its_id_and_status() -> None:
    error = SessionFailedError("failed", session_id="s1", status=4)
    assert (str(error), error.session_id, error.status) == ("failed", "s1", 4)
    assert not error.retryable


def test_closing_a_session_left_open_may_be_tried_again() -> None:
    error = SessionLeftOpenError("left", session_ids=("s1", "s2"))
    assert (error.session_ids, error.retryable) == (("s1", "s2"), True)


def test_failed_records_have_their_id() -> None:
    assert AvatarFailedError("no", record_id="a1").record_id == "a1"
    assert VoiceFailedError("no", record_id="v1").record_id == "v1"


def test_a_webhook_error_is_a_value_error_with_a_reason() -> None:
    error = WebhookError("old", reason="expired")
    assert isinstance(error, ValueError)
    assert (str(error), error.reason) == ("old", "expired")
