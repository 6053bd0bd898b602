from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from vendor_tokens import user_sig

from akool_async.errors import InvalidParameterError
from akool_async.rooms.trtc_user_sig import UserSigClaims, check_user_sig, read_user_sig


def packed(claims: object) -> str:
    data = base64.b64encode(zlib.compress(json.dumps(claims).encode())).decode()
    return data.translate(str.maketrans("+/=", "*-_"))


def test_what_a_signature_says() -> None:
    signature = user_sig(user_id="bot", app_id=5, made=1000, life=60)
    assert read_user_sig(signature) == UserSigClaims("bot", 5, 1060.0)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "x",
        "eJw",
        "!!",
        user_sig()[:40],
        packed([1]),
        packed({"TLS.identifier": "bot"}),
        packed({"TLS.identifier": "u", "TLS.sdkappid": None, "TLS.time": 1, "TLS.expire": 1}),
        packed("x" * 1_000_000),
        packed({"TLS.identifier": "u", "TLS.sdkappid": 1, "TLS.time": 10**400, "TLS.expire": 1}),
        base64.b64encode(zlib.compress(b"[" * 10_000)).decode(),
    ],
)
def test_what_it_cannot_read_is_not_refused(signature: str) -> None:
    assert read_user_sig(signature) is None
    check_user_sig("sig", signature, user_id="bot", app_id=5)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"made": 900, "life": 100}, "expired 0 s ago"),
        ({"user_id": "x"}, "for the user 'x', not 'bot'"),
        ({"app_id": 6}, "of the application 6, not of 5"),
    ],
)
def test_one_that_cannot_let_it_in_is_refused(given: dict[str, Any], problem: str) -> None:
    signature = user_sig(**{"user_id": "bot", "app_id": 5, "made": 1000, **given})
    with pytest.raises(InvalidParameterError) as caught:
        check_user_sig("bot_user_sig", signature, user_id="bot", app_id=5, now=1000)
    assert caught.value.field == "bot_user_sig"
    assert problem in caught.value.problem
    assert signature not in str(caught.value)


def test_one_that_fits_passes() -> None:
    signature = user_sig(user_id="bot", app_id=5, made=1000, life=1)
    check_user_sig("sig", signature, user_id="bot", app_id=5, now=1000)
