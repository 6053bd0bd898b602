"""What a fleet is set up with."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest
from akool_fleet.options import FleetOptions

from akool_async.errors import InvalidParameterError

RIGHT: dict[str, Any] = {
    "url": "redis://127.0.0.1:6379/0",
    "name": "calls",
    "limit": 10,
    "max_session": 600,
    "account": "exclusive",
    "lease": 30.0,
    "create_time": 60.0,
    "sweep_every": 60.0,
    "sessions_per_process": 25,
    "joins_at_once": 5,
    "drain_timeout": 300.0,
    "keep": 86_400.0,
    "credits_per_hour": None,
}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("url", ["rediss://host", "unix:///run/valkey.sock"]),
        ("limit", [1, 1_000_000]),
        ("max_session", [1, 3600]),
        ("account", ["shared"]),
        ("lease", [1, 3600]),
        ("drain_timeout", [0]),
        ("sweep_every", [0.5]),
        ("credits_per_hour", [0, 12.5]),
    ],
)
def test_values_up_to_the_limits_are_taken(field: str, values: list[Any]) -> None:
    for value in values:
        assert getattr(FleetOptions.checked(**{**RIGHT, field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a:b"),
        ("name", "{a}"),
        ("name", "x" * 101),
        ("limit", 1_000_001),
        ("max_session", 0),
        ("lease", 0.9),
        ("sweep_every", 0.4),
        ("drain_timeout", -1),
        ("keep", 0),
        ("credits_per_hour", float("inf")),
        ("unknown", 5),
    ],
)
def test_a_wrong_value_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        FleetOptions.checked(**{**RIGHT, field: value})
    assert caught.value.field == field


def test_a_password_is_quoted_nowhere() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        FleetOptions.checked(**{**RIGHT, "url": "http://user:s3cret@host"})
    assert str(caught.value).startswith("url: must be a Redis URL: redis://, rediss:// or unix://")
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(FleetOptions.checked(**{**RIGHT, "url": "redis://:s3cret@host"}))


def test_options_can_not_be_changed_once_they_are_checked() -> None:
    options = FleetOptions.checked(**RIGHT)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        options.limit = 0
