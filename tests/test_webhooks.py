from __future__ import annotations

import base64
import builtins
import json
import time
from typing import Any

import pytest

from akool_async import webhooks
from akool_async.errors import InvalidParameterError, MissingDependencyError, WebhookError
from akool_async.simulator.webhooks import sealed

ID = "0123456789abcdef"
SECRET = "abcdefghijklmnopqrstuvwx"
EVENT = {"_id": "66a", "status": 3, "type": "avatar", "url": "https://x.example/a.mp4?sig=1"}
NOW = 1_750_000_000


def seal(event: Any = EVENT, **changed: Any) -> dict[str, Any]:
    given = {"client_id": ID, "client_secret": SECRET, "timestamp": NOW, "nonce": "n"}
    return sealed(event, **(given | changed))


def read(body: Any, **changed: Any) -> webhooks.WebhookEvent:
    given = {"client_id": ID, "client_secret": SECRET, "now": NOW}
    return webhooks.open(body, **(given | changed))


@pytest.mark.parametrize("timestamp", [NOW, str(NOW), NOW * 1000, f"{NOW}000", f"{NOW}.5"])
@pytest.mark.parametrize("nonce", [42, "42", "n-1", 4.25, 10**30])
@pytest.mark.parametrize("form", [dict, json.dumps, lambda body: json.dumps(body).encode()])
def test_numbers_or_texts(timestamp: Any, nonce: Any, form: Any) -> None:
    event = read(form(seal(timestamp=timestamp, nonce=nonce)))
    assert (event.id, event.status, event.type, event.url) == ("66a", 3, "avatar", EVENT["url"])
    assert (event.ready, event.failed, event.nonce) == (True, False, str(nonce))
    assert NOW <= event.timestamp < NOW + 1
    assert event.data == EVENT


def test_a_known_webhook() -> None:
    """Put together by hand with openssl and sha1sum, so that both sides can't be wrong alike."""
    body = {
        "signature": "499ec05bff3854a219f706c6f1afa0438783cd7a",
        "dataEncrypt": "hYcg/5dHDpEShIRmoeWwBzFnrTQiDNCFn1Feuptucvo=",
        "timestamp": 1750000000,
        "nonce": "1234",
    }
    assert read(body).data == {"_id": "66a", "status": 2}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"_id": 7, "status": "4"}, ("7", 4, None, None)),
        ({"_id": "r", "type": 8, "new": [1]}, ("r", None, "8", None)),
        ({"_id": "r", "status": None, "url": "", "type": None}, ("r", None, None, None)),
    ],
)
def test_what_it_reports_is_read_leniently(event: Any, expected: Any) -> None:
    found = read(seal(event))
    assert (found.id, found.status, found.type, found.url) == expected


@pytest.mark.parametrize("name", ["dataEncrypt", "timestamp", "nonce", "signature"])
def test_whatever_was_changed_the_signature_is_wrong(name: str) -> None:
    body = seal()
    body[name] = str(body[name])[:-1] + ("0" if str(body[name])[-1] != "0" else "1")
    with pytest.raises(WebhookError, match="signature is wrong") as caught:
        read(body)
    assert caught.value.reason == "signature"


def test_of_another_account() -> None:
    with pytest.raises(WebhookError) as caught:
        read(seal(), client_id=ID[::-1])
    assert caught.value.reason == "signature"
    with pytest.raises(WebhookError, match="can't be decrypted") as caught:
        read(seal(), client_secret=SECRET[::-1])
    assert caught.value.reason == "malformed"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("age", "fine"), [(0, True), (299, True), (301, False), (-299, True)])
def test_no_older_than_allowed(age: int, fine: bool) -> None:
    body = seal(timestamp=NOW - age)
    if fine:
        assert read(body).id == "66a"
        return
    with pytest.raises(WebhookError, match="301 s ago, at most 300 s") as caught:
        read(body)
    assert caught.value.reason == "expired"
    assert read(body, max_age=None).id == "66a"
    assert read(body, max_age=302).id == "66a"


def test_of_the_future() -> None:
    with pytest.raises(WebhookError, match="in the future: check this machine's clock"):
        read(seal(timestamp=NOW + 400))


def test_the_machines_clock_is_the_default() -> None:
    body = seal(timestamp=int(time.time()))
    assert webhooks.open(body, client_id=ID, client_secret=SECRET, max_age=60).id == "66a"
    with pytest.raises(WebhookError):
        webhooks.open(seal(), client_id=ID, client_secret=SECRET, max_age=60)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"<html>",
        b"[1]",
        "{}",
        b"[" * 100_000,
        b"{" + b" " * 2**20 + b"}",
        5,
        None,
        {**seal(), "nonce": None},
        {**seal(), "timestamp": True},
        {**seal(), "signature": ["x"]},
        {name: value for name, value in seal().items() if name != "dataEncrypt"},
        seal(timestamp="soon"),
        seal(timestamp="nan"),
        seal([]),
        seal({}),
        seal({"_id": None}),
    ],
)
def test_what_cant_be_read(body: Any) -> None:
    with pytest.raises(WebhookError) as caught:
        read(body)
    assert caught.value.reason == "malformed"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("data", ["", "x", "!!", base64.b64encode(b"short").decode(), "AAAA" * 8])
def test_data_that_isnt_encrypted(data: str) -> None:
    body = {**seal(), "dataEncrypt": data}
    body["signature"] = webhooks.signature(ID, str(NOW), "n", data)
    with pytest.raises(WebhookError) as caught:
        read(body)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"client_id": "short"}, "client_id"),
        ({"client_secret": "short-secret"}, "client_secret"),
        ({"client_secret": None}, "client_secret"),
        ({"max_age": 0}, "max_age"),
        ({"max_age": "60"}, "max_age"),
    ],
)
def test_a_set_up_that_is_wrong(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        read(seal(), **changed)
    assert caught.value.field == field
    assert "short-secret" not in str(caught.value)


def test_its_url_isnt_shown() -> None:
    assert "sig=1" not in repr(read(seal()))


def test_without_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    body = seal()
    real = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    for call in (lambda: read(body), seal):
        with pytest.raises(MissingDependencyError) as caught:
            call()
        assert caught.value.install == 'pip install "akool-async[webhooks]"'


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce", "dataEncrypt"])
@pytest.mark.parametrize("form", [dict, json.dumps, lambda body: json.dumps(body).encode()])
def test_half_a_character_in_a_field_is_a_wrong_webhook(name: str, form: Any) -> None:
    with pytest.raises(WebhookError):
        read(form(seal() | {name: "\ud83d"}))


def test_texts_handed_out_can_be_encoded() -> None:
    event = read(json.dumps(seal({"_id": "a\ud83d", "url": "\udc00", "k\ud83d": ["\ud83d"]})))
    assert (event.id, event.url) == ("a\ufffd", "\ufffd")
    assert event.data == {"_id": "a\ufffd", "url": "\ufffd", "k\ufffd": ["\ufffd"]}
