"""What close frames are read as; that real servers lead there is in `test_transport.py`."""

from __future__ import annotations

import pytest
from akool_chatroom.address import Address
from akool_chatroom.close_info import FINAL, CloseInfo, read_close
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

ADDRESS = Address("wss://a.example/final_20240718075254093_8898/client_8898.chat")


def read(rcvd: Close | None, sent: Close | None, first: bool | None = None) -> CloseInfo:
    return read_close(ConnectionClosedError(rcvd, sent, first), ADDRESS)


def test_no_close_frame_is_a_broken_connection():
    assert read(None, None) == CloseInfo("the connection broke")


@pytest.mark.parametrize(("code", "reason"), FINAL.items())
def test_their_final_codes(code, reason):
    ending = read(Close(code, ""), Close(code, ""), True)
    assert ending.final
    assert ending.reason == reason


def test_the_frame_that_came_first_decides():
    theirs = read(Close(1012, "restart"), Close(1012, ""), True)
    assert theirs.text == "the server closed it with 1012 (restart)"
    ours = read(Close(1000, ""), Close(1011, "keepalive ping timeout"), False)
    assert ours.text == "we broke the connection off: 1011 keepalive ping timeout"
    assert not ours.final


def test_a_close_that_was_not_answered():
    assert read(Close(1008, "no"), None).final
    assert not read(None, Close(1011, "")).final


def test_our_1009_is_a_frame_too_large_and_theirs_is_not():
    assert read(None, Close(1009, "")).too_large
    assert not read(Close(1009, ""), None).too_large


@pytest.mark.parametrize("said", ["Session timed out", "timeout", "session EXPIRED"])
def test_a_session_that_ran_out(said):
    assert read(Close(1000, said), Close(1000, ""), True).reason == "timed_out"


def test_running_out_is_no_reason_to_stop_after_an_accident():
    ending = read(Close(1011, "upstream timed out"), Close(1011, ""), True)
    assert (ending.reason, ending.final) == ("connection_lost", False)


def test_the_error_of_an_ending():
    error = read(Close(1008, "no /final_20240718075254093_8898\n"), None).error(session_id="s1")
    assert str(error) == (
        "the chat room of session s1 is gone: the server closed it with 1008 (no /…?)"
    )
    assert (error.reason, error.retryable) == ("removed", False)
    assert read(None, None).error(session_id=None).retryable
