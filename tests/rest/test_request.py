from __future__ import annotations

import json

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.rest.request import Idempotency, get, post


def test_what_is_none_is_left_out_of_the_query() -> None:
    request = get("/p", page=1, size=10, name=None)
    assert (request.method, request.path, request.query) == (
        "GET",
        "/p",
        {"page": "1", "size": "10"},
    )
    assert request.body is None
    assert request.idempotency is Idempotency.SAFE


def test_a_body_is_json_and_not_in_the_repr() -> None:
    request = post(
        "/p", {"api_key": "somebodys-key-123", "name": "中"}, idempotency=Idempotency.UNLESS_DONE
    )
    assert request.body is not None
    assert json.loads(request.body) == {"api_key": "somebodys-key-123", "name": "中"}
    assert "somebodys-key-123" not in repr(request)
    assert str(request.info) == "POST /p"


def test_another_method_may_have_a_body() -> None:
    assert post("/p", {"id": "1"}, idempotency=Idempotency.SAFE, method="DELETE").method == "DELETE"


@pytest.mark.parametrize(
    "value", [pytest.param(10**5000, id="huge"), object(), {"a": b"\xff" * 3, "b": 1j}]
)
def test_a_value_without_a_json_form_is_refused(value: object) -> None:
    with pytest.raises(InvalidParameterError, match="body: has no JSON form"):
        post("/p", {"value": value}, idempotency=Idempotency.SAFE)
