from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import Field, SecretStr

from akool_async.models.base import Answer, Many, read_many


class Inner(Answer):
    name: str | None = None
    token: SecretStr | None = None


class Thing(Answer):
    id: str | None = Field(default=None, alias="_id")
    count: int | None = None
    share: float | None = None
    ready: bool | None = None
    tags: Many[str] = ()
    inner: Inner | None = None
    hidden: str | None = Field(default=None, repr=False)


@pytest.mark.parametrize(
    ("raw", "field", "value"),
    [
        ({"_id": 7}, "id", "7"),
        ({"count": "7"}, "count", 7),
        ({"count": 7.0}, "count", 7),
        ({"count": None}, "count", None),
        ({"count": "many"}, "count", None),
        ({"count": math.inf}, "count", None),
        ({"share": math.nan}, "share", None),
        ({"ready": "true"}, "ready", True),
        ({"ready": []}, "ready", None),
        ({"tags": None}, "tags", ()),
        ({"tags": ["a", 1]}, "tags", ("a", "1")),
        ({"tags": {"a": 1}}, "tags", ()),
        ({"inner": "x"}, "inner", None),
        ({}, "id", None),
    ],
)
def test_odd_values_are_read_or_left_out(raw: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(Thing.read({"name": "kept", **raw}), field) == value


def test_an_odd_field_costs_only_itself() -> None:
    thing = Thing.read({"_id": "1", "count": "many", "share": {}, "new": [1], "ready": True})
    assert (thing.id, thing.count, thing.share, thing.ready) == ("1", None, None, True)
    assert thing.model_extra == {"new": [1]}


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_what_isnt_an_object_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="Thing"):
        Thing.read(raw)


def test_secrets_are_given_out_on_demand_only() -> None:
    thing = Thing.read({"_id": "1", "inner": {"name": "n", "token": "the-token-01"}, "hidden": "h"})
    assert "the-token-01" not in repr(thing) + str(thing) + thing.model_dump_json()
    assert thing.to_dict() == {"_id": "1", "tags": [], "inner": {"name": "n"}}
    whole = thing.to_dict(include_secrets=True)
    assert whole["inner"] == {"name": "n", "token": "the-token-01"}
    assert whole["hidden"] == "h"
    assert Thing.read(whole) == thing


def test_lists() -> None:
    assert read_many(Thing, None) == []
    assert [thing.id for thing in read_many(Thing, [{"_id": 1}, {"_id": 2, "count": "x"}])] == [
        *("1", "2"),
    ]
    for wrong in ({}, "text", 5, [None], [[]]):
        with pytest.raises(ValueError, match=r"list|Thing"):
            read_many(Thing, wrong)
