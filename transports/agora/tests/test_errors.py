import pytest
from akool_agora.engine import EngineError
from akool_agora.errors import REASONS, disconnected_error, join_error, send_error

from akool_async.errors import JoinError, JoinRefusedError


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (3, JoinRefusedError, "banned"),
        (4, JoinError, "couldn't be joined"),
        (6, JoinRefusedError, "app id"),
        (7, JoinRefusedError, "channel's name"),
        (8, JoinRefusedError, "token is invalid"),
        (9, JoinRefusedError, "five minutes"),
        (10, JoinRefusedError, "rejected"),
        (19, JoinError, "same uid"),
        (99, JoinError, "unknown reason"),
        (-2, JoinError, "bad argument"),
        (-7, JoinError, "isn't initialized"),
    ],
)
def test_why_a_channel_could_not_be_joined(code: int, kind: type[JoinError], words: str) -> None:
    error = join_error(EngineError(code))
    assert type(error) is kind
    assert words in str(error)
    assert str(abs(code)) in str(error)
    assert error.retryable is (kind is JoinError)


@pytest.mark.parametrize(
    ("reason", "short", "retryable"),
    [
        (2, "connection_lost", True),
        (3, "banned", False),
        (5, "closed", False),
        (8, "bad_token", False),
        (9, "token_expired", False),
        (10, "room_closed", False),
        (14, "connection_lost", True),
        (16, "connection_lost", True),
        (19, "same_identity", True),
        (77, "agora_77", False),
    ],
)
def test_why_a_channel_is_gone(reason: int, short: str, retryable: bool) -> None:
    error = disconnected_error(reason)
    assert (error.reason, error.retryable) == (short, retryable)
    assert f"({reason})" in str(error)


@pytest.mark.parametrize(
    ("code", "words", "retryable"),
    [
        (-2, "a bad argument", False),
        (-12, "60 packets", True),
        (-113, "not in the channel", True),
        (-114, "1024 bytes", False),
        (-115, "6 KB", True),
        (-1000, "an error", False),
    ],
)
def test_why_a_packet_was_not_taken(code: int, words: str, retryable: bool) -> None:
    error = send_error(EngineError(code))
    assert (error.code, error.retryable) == (code, retryable)
    assert words in str(error)


def test_every_reason_has_words() -> None:
    assert all(short and words for short, words in REASONS.values())


def test_an_engine_error_says_its_code() -> None:
    assert str(EngineError(-12)) == "-12"
    assert str(EngineError(8, "no")) == "8: no"
