import pytest
from akool_trtc.engine import EngineError
from akool_trtc.errors import disconnected_error, join_error, send_error

from akool_async.errors import JoinError, JoinRefusedError


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (5000, JoinRefusedError, "bad parameter"),
        (5100, JoinError, "not allowed now"),
        (5400, JoinRefusedError, "userSig"),
        (5500, JoinError, "failed"),
        (5998, JoinError, "an error"),
    ],
)
def test_why_a_room_could_not_be_entered(code: int, kind: type[JoinError], words: str) -> None:
    error = join_error(EngineError(code))
    assert type(error) is kind
    assert words in str(error)
    assert f"({code})" in str(error)
    assert error.retryable is (kind is JoinError)


@pytest.mark.parametrize(
    ("reason", "short", "retryable"),
    [
        ("kick", "same_identity", True),
        ("banned", "banned", False),
        ("room_disband", "room_closed", False),
        ("network", "connection_lost", True),
        ("user_time_out", "user_time_out", False),
    ],
)
def test_why_a_room_is_gone(reason: str, short: str, retryable: bool) -> None:
    error = disconnected_error(reason)
    assert (error.reason, error.retryable) == (short, retryable)


@pytest.mark.parametrize(
    ("code", "words", "retryable"),
    [
        (5000, "a bad parameter", False),
        (5100, "not an anchor", True),
        (5400, "the server", True),
        (5500, "failed", False),
    ],
)
def test_why_a_packet_was_not_taken(code: int, words: str, retryable: bool) -> None:
    error = send_error(EngineError(code))
    assert (error.code, error.retryable) == (code, retryable)
    assert words in str(error)


def test_an_engine_error_says_its_code() -> None:
    assert str(EngineError(5100)) == "5100"
    assert str(EngineError(5400, "no")) == "5400: no"
