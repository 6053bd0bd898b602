from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest
from vendor_tokens import agora_token

from akool_async.errors import InvalidParameterError
from akool_async.rooms.agora_token import AgoraClaims, check_agora_token, read_agora_token

APP = "a" * 32


def test_what_a_token_says() -> None:
    token = agora_token(channel="c", uid=7, app_id=APP, issued=1000, life=60)
    assert read_agora_token(token) == AgoraClaims(APP, 1060.0, "c", "7")


def test_a_token_without_the_rtc_service_names_no_channel() -> None:
    def text(value: str) -> bytes:
        return struct.pack("<H", len(value)) + value.encode()

    head = text("signature") + text(APP) + struct.pack("<III", 1000, 60, 1)
    # One service, of another kind: what follows in it can't be read.
    other = struct.pack("<HHH", 1, 2, 0) + b"?"
    token = "007" + base64.b64encode(zlib.compress(head + other)).decode()
    assert read_agora_token(token) == AgoraClaims(APP, 1060.0, None, "")
    check_agora_token("token", token, channel="any", uid=5, app_id=APP, now=1000)


@pytest.mark.parametrize("token", ["", "006abc", "007", "007!!", "007" + "A" * 40, "x"])
def test_what_it_cannot_read_is_not_refused(token: str) -> None:
    assert read_agora_token(token) is None
    check_agora_token("token", token, channel="c", uid=7)


def test_a_token_that_is_cut_off_is_none() -> None:
    whole = agora_token()
    for end in range(len(whole) - 12):  # the last bytes are a checksum and the end of a block
        assert read_agora_token(whole[:end]) is None


def test_a_token_that_unpacks_to_megabytes_is_read_in_part_only() -> None:
    packed = base64.b64encode(zlib.compress(b"\xff" * 10_000_000)).decode()
    assert read_agora_token("007" + packed) is None


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ({"issued": 900, "life": 100}, "expired 0 s ago"),
        ({"issued": 0, "life": 100}, "expired 900 s ago"),
        ({"channel": "d"}, "the channel 'd', the session is for 'c'"),
        ({"uid": 9}, "for the uid 9, not for 7"),
        ({"app_id": "b" * 32}, "another project than agora_app_id"),
    ],
)
def test_one_that_cannot_let_it_in_is_refused(token: dict[str, Any], problem: str) -> None:
    given = agora_token(**{"issued": 1000, **token})
    with pytest.raises(InvalidParameterError) as caught:
        check_agora_token("bot_token", given, channel="c", uid=7, app_id=APP, now=1000)
    assert caught.value.field == "bot_token"
    assert problem in caught.value.problem
    assert given not in str(caught.value)


@pytest.mark.parametrize("uid", [0, 7])
def test_one_that_fits_passes(uid: int) -> None:
    token = agora_token(uid=uid, issued=1000, life=1)
    check_agora_token("token", token, channel="c", uid=7, now=1000)
