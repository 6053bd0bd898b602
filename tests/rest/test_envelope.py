from __future__ import annotations

import json
from typing import Any

import pytest

from akool_async.errors import (
    CODES,
    AkoolError,
    APIError,
    AuthenticationError,
    BadParameterError,
    BusyError,
    ConflictError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    SessionClosedError,
    UnknownCodeError,
)
from akool_async.rest.envelope import RawResponse, read_envelope
from akool_async.rest.request import Idempotency, Request

READ = Request("GET", "/api/open/x")
CREATE = Request("POST", "/api/open/x", idempotency=Idempotency.UNLESS_DONE)


def read(body: Any, *, status: int = 200, request: Request = READ, **more: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_envelope(RawResponse(status, raw, **more), request)


@pytest.mark.parametrize("code", [1000, "1000", 1000.0])
def test_success_whatever_type_the_code_has(code: object) -> None:
    assert read({"code": code, "msg": "ok", "data": [1]})["data"] == [1]


def test_the_code_decides_and_not_the_status() -> None:
    assert read({"code": 1000}, status=500) == {"code": 1000}
    with pytest.raises(NotFoundError):
        read({"code": 1008, "msg": "no"}, status=200)


FAMILIES: dict[type[APIError], tuple[int, ...]] = {
    BadParameterError: (1003,),
    PermissionDeniedError: (1004, 1009, 1200),
    RateLimitError: (1005,),
    QuotaError: (1006, 1104, 1103, 1213, 1221),
    NotFoundError: (1008, 1014, 1109, 1216, 1232),
    ConflictError: (1010, 1011, 1222, 1233),
    AuthenticationError: (1101, 1102),
    BusyError: (1214, 1215, 1237),
    SessionClosedError: (1219,),
    ProcessingError: (
        *(1007, 1013, 1015, 1016, 1017, 1105, 1108, 1110, 1111, 1112, 1217, 1218, 1220, 1223),
        *(1201, 1202, 1203, 1204, 1205, 1206, 1207, 1208, 1209, 1210, 1211, 1212),
        *(1234, 1235, 1236),
    ),
    UnknownCodeError: (9999, 0, -1, 2000),
}


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, code) for kind, codes in FAMILIES.items() for code in codes]
)
def test_each_code_has_its_class(kind: type[APIError], code: int) -> None:
    with pytest.raises(APIError) as caught:
        read({"code": str(code), "msg": "what the service says"})
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.message) == (code, "what the service says")
    assert str(error.request) == "GET /api/open/x"
    assert error.retryable is (kind in (RateLimitError, BusyError))
    assert "GET /api/open/x" in str(error)


def test_the_table_of_codes_is_the_documents() -> None:
    documented = {code for codes in FAMILIES.values() for code in codes} - {9999, 0, -1, 2000}
    assert set(CODES) == documented | {429}


def test_a_proxys_message_is_read_too() -> None:
    with pytest.raises(UnknownCodeError, match="from a proxy"):
        read({"code": 7, "message": "from a proxy"})


def test_a_code_without_words_gets_the_documents() -> None:
    with pytest.raises(NotFoundError, match="no such live session"):
        read({"code": 1216, "msg": None})


def test_a_message_without_end_is_cut() -> None:
    with pytest.raises(UnknownCodeError) as caught:
        read({"code": 7, "msg": "x" * 10_000})
    assert len(caught.value.message) == 500


@pytest.mark.parametrize(
    ("body", "content_type", "problem"),
    [
        (b"<html>502</html>", "text/html", "text/html, not JSON"),
        (b'{"code": 1000, "da', "application/json", "isn't whole JSON"),
        (b"\xff\xfe", "application/json", "isn't whole JSON"),
        (b"", "", "is empty"),
        (b"[1]", "application/json", "JSON array"),
        (b'"x"', "application/json", "JSON string"),
        (b"null", "application/json", "JSON null"),
        (b"7", "application/json", "JSON number"),
        (b"true", "application/json", "JSON boolean"),
        (b"{}", "application/json", '"code"'),
        (b'{"data": {}}', "application/json", '"code"'),
        (b'{"code": null}', "application/json", '"code"'),
        (b'{"code": "OK"}', "application/json", '"code"'),
        (b'{"code": true}', "application/json", '"code"'),
        (b'{"code": 1e999}', "application/json", ""),
    ],
)
@pytest.mark.parametrize("status", [200, 404, 502])
def test_what_is_no_envelope_is_reported_clearly(
    body: bytes, content_type: str, problem: str, status: int
) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        read(body, status=status, content_type=content_type)
    assert problem in str(caught.value)
    assert f"HTTP {status}" in str(caught.value)
    assert caught.value.status == status
    assert caught.value.retryable is (status == 502)


def test_broken_json_is_chained_to_its_cause() -> None:
    with pytest.raises(InvalidResponseError) as caught:
        read(b'{"code": ')
    assert caught.value.__cause__ is not None


def test_after_a_server_fault_a_paid_call_is_not_retryable() -> None:
    with pytest.raises(InvalidResponseError) as caught:
        read(b"<html>", status=502, request=CREATE)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationError), (403, PermissionDeniedError), (429, RateLimitError)],
)
@pytest.mark.parametrize("body", [b"<html>", b"", b'{"message": "Unauthorized"}', b'{"code": 77}'])
def test_without_a_known_code_the_status_does_what_it_can(
    status: int, kind: type[AkoolError], body: bytes
) -> None:
    with pytest.raises(kind) as caught:
        read(body, status=status, retry_after=3.0)
    assert getattr(caught.value, "status", None) == status
    assert getattr(caught.value, "retry_after", None) == 3.0


def test_a_redirect_is_not_followed_and_says_why() -> None:
    with pytest.raises(InvalidResponseError, match="leads elsewhere"):
        read(b"", status=302)


def test_the_time_to_wait_goes_with_the_error() -> None:
    with pytest.raises(BusyError) as busy:
        read({"code": 1215}, retry_after=2.5)
    assert busy.value.retry_after == 2.5
    with pytest.raises(InvalidResponseError) as down:
        read(b"down", status=503, retry_after=4.0)
    assert down.value.retry_after == 4.0


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("avatar_id is required", "avatar_id"),
        ("duration must be between 1 and 3600", "duration"),
        ('"duration" must be a number', "duration"),
        ("Invalid voice_params.speed", "voice_params.speed"),
        ("Parameter error or Parameter can not be empty", None),
        ("parameter is wrong", None),
        ("", None),
    ],
)
def test_the_field_of_a_bad_parameter(message: str, field: str | None) -> None:
    with pytest.raises(BadParameterError) as caught:
        read({"code": 1003, "msg": message})
    assert caught.value.field == field


def test_an_answers_repr_holds_no_body() -> None:
    assert "token" not in repr(RawResponse(200, b'{"token": "x"}'))
