from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

import akool_async
from akool_async import errors
from akool_async.errors import (
    AkoolError,
    InvalidParameterError,
    MissingDependencyError,
    RequestInfo,
)

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, AkoolError)
}


def drawn_tree() -> dict[str, str]:
    """Each class of the module's docstring -> the one it hangs from."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^((?:[│ ]   )*)(?:[├└]── )?([A-Za-z]+Error)\b", line)
        if found is None or not (line.startswith(("AkoolError", "├", "│", "└", " "))):
            continue
        depth = len(found[1]) // 4 + ("── " in line)
        path[depth:] = [found[2]]
        if depth:
            parents[found[2]] = path[depth - 1]
    return parents


def test_the_tree_that_is_drawn_is_the_tree_there_is() -> None:
    drawn = drawn_tree()
    assert set(drawn) | {"AkoolError"} == set(CLASSES)
    for child, parent in drawn.items():
        assert issubclass(CLASSES[child], CLASSES[parent]), f"{child} under {parent}"
        assert CLASSES[parent] in CLASSES[child].__bases__


def test_all_of_them_are_public() -> None:
    assert set(CLASSES) <= set(errors.__all__)
    assert set(CLASSES) <= set(akool_async.__all__)


def test_those_about_time_are_pythons_too() -> None:
    late = {name for name in CLASSES if "Timeout" in name} | {"AvatarAbsentError"}
    assert {name for name, kind in CLASSES.items() if issubclass(kind, TimeoutError)} == late
    assert issubclass(InvalidParameterError, ValueError)
    assert issubclass(MissingDependencyError, ImportError)


def all_classes() -> list[type[AkoolError]]:
    """Every error there is: of the package, its parts and the transports."""
    for name in ("client", "conversation", "simulator", "testing", "cli.app", "webhooks"):
        importlib.import_module(f"akool_async.{name}")
    for name in ("akool_livekit", "akool_chatroom", "akool_agora", "akool_trtc"):
        importlib.import_module(name)
    found: dict[type[AkoolError], None] = {}
    waiting: list[type[AkoolError]] = [AkoolError]
    while waiting:
        kind = waiting.pop()
        found[kind] = None
        waiting += kind.__subclasses__()
    return list(found)


#: A value for each parameter that an error's constructor takes.
VALUES: dict[str, Any] = {
    "advice": "Do this.",
    "field": "voice.speed",
    "problem": "is too fast",
    "size": 1200,
    "limit": 1000,
    "install": "pip install x",
    "request": RequestInfo("POST", "/p"),
    "retryable": True,
    "sent": False,
    "status": 503,
    "code": 1003,
    "message": "é 😀",
    "retry_after": 2.5,
    "session_id": "s",
    "session_ids": ("s", "t"),
    "record_id": "r",
    "reason": "banned",
    "cmd": "interrupt",
    "text": "so far",
    "missing": (1, 2),
    "seconds": 1.5,
}


def made(kind: type[AkoolError]) -> AkoolError:
    signature = inspect.signature(kind.__init__)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            positional.append(VALUES[parameter.name])
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = VALUES[parameter.name]
    return kind(*(positional or ["failed"]), **named)


@pytest.mark.parametrize("kind", all_classes(), ids=lambda kind: kind.__qualname__)
@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda error, protocol=protocol: pickle.loads(pickle.dumps(error, protocol))
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
    ids=["copy", "deepcopy", *(f"pickle{n}" for n in range(2, pickle.HIGHEST_PROTOCOL + 1))],
)
def test_every_error_survives_pickling_and_copying(
    kind: type[AkoolError], again: Callable[[AkoolError], AkoolError]
) -> None:
    error = made(kind)
    error.add_note("session s is still open")
    error.extra = {"of": "a program"}  # type: ignore[attr-defined]
    twin = again(error)
    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert vars(twin) == vars(error)
    twin.add_note("only of the copy")
    assert error.__notes__ == ["session s is still open"]
