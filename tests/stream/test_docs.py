"""The examples in the docstrings do what they show."""

import doctest
import importlib
import pkgutil

import pytest

import akool_async.stream

MODULES = ["akool_async.stream"] + [
    f"akool_async.stream.{module.name}"
    for module in pkgutil.iter_modules(akool_async.stream.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_package_has_an_example() -> None:
    assert doctest.testmod(akool_async.stream).attempted >= 5


def test_everything_exported_is_there() -> None:
    for name in akool_async.stream.__all__:
        assert getattr(akool_async.stream, name) is not None
