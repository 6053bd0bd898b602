from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest
from pydantic import SecretStr
from vendor_tokens import user_sig

from akool_async.errors import InvalidParameterError
from akool_async.models import TRTCCredentials
from akool_async.rooms import OwnTRTCRoom
from akool_async.rooms.trtc_user_sig import read_user_sig

APP = "a" * 32
SDK_APP = 1400000000
PAST = time.time() - 86400


def trtc(**changed: Any) -> OwnTRTCRoom:
    given: dict[str, Any] = {
        "room_id": "r",
        "app_id": SDK_APP,
        "avatar_user_id": "avatar",
        "avatar_user_sig": user_sig(user_id="avatar"),
        "bot_user_id": "bot",
        "bot_user_sig": SecretStr(user_sig(user_id="bot")),
    }
    return OwnTRTCRoom(**(given | changed))


class TestTRTC:
    def test_both_spellings_each_where_it_belongs(self) -> None:
        prepared = trtc().prepare()
        assert set(prepared.avatar_credentials) == {
            "trtc_sdk_app_id",
            "trtc_sdk_room_id",
            "trtc_sdk_user_id",
            "trtc_sdk_user_sig",
        }
        assert prepared.avatar_credentials["trtc_sdk_user_id"] == "avatar"
        assert isinstance(prepared.bot_credentials, TRTCCredentials)
        assert (prepared.bot_credentials.trtc_user_id, prepared.bot_credentials.trtc_room_id) == (
            "bot",
            "r",
        )
        assert prepared.transport_options == {"avatar_user_id": "avatar"}

    @pytest.mark.parametrize(
        ("changed", "field", "problem"),
        [
            ({"room_id": 5}, "room_id", "string"),
            ({"app_id": 0}, "app_id", "1 or more"),
            ({"bot_user_id": "avatar"}, "bot_user_id", "avatar's too"),
            ({"avatar_user_sig": user_sig(user_id="x")}, "avatar_user_sig", "the user 'x'"),
            ({"bot_user_sig": user_sig(user_id="bot", made=PAST)}, "bot_user_sig", "expired"),
            (
                {"bot_user_sig": user_sig(user_id="bot", app_id=5)},
                "bot_user_sig",
                f"the application 5, not of {SDK_APP}",
            ),
        ],
    )
    def test_what_cannot_work_is_refused(
        self, changed: dict[str, Any], field: str, problem: str
    ) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            trtc(**changed)
        assert caught.value.field == field
        assert problem in caught.value.problem

    def test_signatures_never_show(self) -> None:
        signatures = [user_sig(user_id="avatar"), user_sig(user_id="bot")]
        room = trtc(avatar_user_sig=signatures[0], bot_user_sig=SecretStr(signatures[1]))
        for shown in (repr(room), repr(room.prepare()), repr(dataclasses.asdict(room))):
            assert not any(signature in shown for signature in signatures)
        assert room.prepare().avatar_credentials["trtc_sdk_user_sig"] == signatures[0]

    @pytest.mark.parametrize("signature", ["x", "eJw", "!!", user_sig()[:40]])
    def test_of_what_it_cannot_read_nothing_is_said(self, signature: str) -> None:
        assert read_user_sig(signature) is None
        assert trtc(avatar_user_sig=signature).prepare().avatar == "avatar"
