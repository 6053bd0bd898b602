from __future__ import annotations

import asyncio
import warnings
from typing import Any

import pytest

from akool_async.misuse import refused, warn


class Asynchronous:
    __iter__ = refused("write `async for`")
    __getitem__ = refused("write `await`")


def test_the_operation_raises_with_the_text():
    with pytest.raises(TypeError, match=r"^write `async for`$"):
        list(Asynchronous())
    with pytest.raises(TypeError, match=r"^write `await`$"):
        Asynchronous()[0]


async def test_a_warning_is_given_where_the_code_was_called() -> None:
    def part_of_ours() -> None:
        warn("a mistake")

    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("default")
        part_of_ours()
    assert [str(one.message) for one in given] == ["a mistake"]
    assert given[0].category is RuntimeWarning
    assert given[0].filename == __file__


async def test_a_warning_that_is_an_error_is_handed_to_the_loop() -> None:
    handled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: handled.append(context))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn("a mistake")
    [context] = handled
    assert context["message"] == "a mistake"
    assert isinstance(context["exception"], RuntimeWarning)
