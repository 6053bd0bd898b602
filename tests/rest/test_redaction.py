from __future__ import annotations

import time

import pytest

from akool_async.rest.redaction import Redactor, secrets_of

KEY = "sk-0123456789abcdefghijkl"


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        ([KEY], f"the key {KEY} is wrong", "the key *** is wrong"),
        ([KEY], f"{KEY}{KEY}", "******"),
        ([KEY], f"{KEY}, {KEY}", "***, ***"),
        # parts of it, from its beginning, middle and end
        ([KEY], f"key {KEY[:12]}… is wrong", "key ***… is wrong"),
        ([KEY], f"…{KEY[5:15]}…", "…***…"),
        ([KEY], f"ends in {KEY[-8:]}", "ends in ***"),
        ([KEY], f"ends in {KEY[-5:]}", f"ends in {KEY[-5:]}"),
        (["first-secret-1", "other-secret-2"], "first-secret-1/other-secret-2", "***/***"),
        # short ones, by themselves only
        (["any"], "too many words", "too many words"),
        (["any"], "the key any is wrong", "the key *** is wrong"),
        (["any"], "key='any'", "key='***'"),
        (["a.b"], "axb a.b", "axb ***"),
        ([], "as it is", "as it is"),
        ([""], "as it is", "as it is"),
    ],
)
def test_texts(secrets: list[str], text: str, shown: str) -> None:
    assert Redactor(secrets).redact(text) == shown


def test_it_is_linear() -> None:
    redactor = Redactor(["ab" * 2_000])

    def seconds(length: int) -> float:
        text = "ab" * length
        taken = []
        for _ in range(3):
            began = time.process_time()
            redactor.redact(text)
            taken.append(time.process_time() - began)
        return min(taken)

    # Sixteen times the text; 256 times the seconds if each place looked at all the others.
    assert seconds(800_000) < 64 * seconds(50_000)


def test_secrets_of_a_body() -> None:
    body = {
        "avatar_id": "not-secret",
        "credentials": {"agora_token": "T1", "trtc_sdk_user_sig": "T2", "agora_channel": "c"},
        "voice_params": {"elevenlabs_settings": {"api_key": "T3", "model_id": "m"}},
        "llm_provider": [{"apiKey": "T4", "client_secret": "T5"}],
        "background_url": "https://x.example/a.png?X-Signature=T6T6T6",
        "livekit_url": "wss://user:T7@x.example",
        "voice_url": "https://x.example/a.mp3",
        "urls": ["https://x.example/?token=T8", "http://[::1"],
    }
    assert set(secrets_of(body)) == {
        *("T1", "T2", "T3", "T4", "T5", "X-Signature=T6T6T6", "T7", "token=T8"),
    }
