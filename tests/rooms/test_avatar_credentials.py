from __future__ import annotations

import time

import pytest
from vendor_tokens import agora_token, user_sig

from akool_async.errors import InvalidParameterError
from akool_async.rest.session_create import session_create_body

APP = "a" * 32
SDK_APP = 1400000000
PAST = time.time() - 86400


def test_a_wrong_token_is_refused_by_session_create_too() -> None:
    """Also for those who give `credentials=` themselves."""
    credentials = {"agora_uid": 7, "agora_channel": "d", "agora_token": agora_token()}
    with pytest.raises(InvalidParameterError, match=r"credentials\.agora_token: .*channel 'c'"):
        session_create_body("a", {"credentials": credentials})
    signed = {
        "trtc_sdk_app_id": SDK_APP,
        "trtc_sdk_room_id": "r",
        "trtc_sdk_user_id": "somebody",
        "trtc_sdk_user_sig": user_sig(user_id="else"),
    }
    with pytest.raises(InvalidParameterError, match=r"credentials\.trtc_sdk_user_sig: "):
        session_create_body("a", {"stream_type": "trtc", "credentials": signed})


def test_an_unknown_field_is_named_in_a_text_that_can_be_encoded() -> None:
    with pytest.raises(InvalidParameterError, match="documented field") as caught:
        session_create_body("a", {"credentials": {"\ud83d": "x"}})
    assert str(caught.value).encode()
