from __future__ import annotations

import pytest

from akool_async.errors import (
    AvatarAbsentError,
    DisconnectedError,
    JoinError,
    JoinRefusedError,
    JoinTimeoutError,
    SendError,
    TransportError,
)


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [
        (TransportError, False),
        (JoinError, True),
        (JoinRefusedError, False),
        (JoinTimeoutError, True),
        (AvatarAbsentError, True),
        (SendError, False),
    ],
)
def test_whether_joining_again_may_help(kind: type[TransportError], retryable: bool) -> None:
    assert kind("no").retryable is retryable
    # Of one error, the transport may know better.
    assert kind("no", retryable=not retryable).retryable is not retryable
    assert kind("no").retryable is retryable


def test_the_vendors_code_and_the_reason_are_attributes() -> None:
    assert (SendError("no", code=-114).code, SendError("no").code) == (-114, None)
    error = DisconnectedError("gone", reason="banned")
    assert (str(error), error.reason, error.retryable) == ("gone", "banned", False)
