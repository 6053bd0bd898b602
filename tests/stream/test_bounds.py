from __future__ import annotations

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.stream.bounds import ReassemblyBounds


@pytest.mark.parametrize("name", ["messages", "parts", "bytes", "remembered"])
@pytest.mark.parametrize("value", [0, -1])
def test_nothing_can_be_held_with_a_bound_below_one(name: str, value: int) -> None:
    with pytest.raises(InvalidParameterError, match="less than 1") as caught:
        ReassemblyBounds(**{name: value})
    assert caught.value.field == name
    assert getattr(ReassemblyBounds(**{name: 1}), name) == 1


@pytest.mark.parametrize("age", [0, -1.0, float("nan")])
def test_a_message_may_go_without_a_part_for_some_time(age: float) -> None:
    with pytest.raises(InvalidParameterError, match="more than 0 seconds") as caught:
        ReassemblyBounds(age=age)
    assert caught.value.field == "age"
    assert ReassemblyBounds(age=0.001).age == 0.001
