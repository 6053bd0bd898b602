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
    CODES,
    AkoolError,
    APIConnectionError,
    APIError,
    APITimeoutError,
    InvalidParameterError,
    InvalidResponseError,
    MissingDependencyError,
    RequestInfo,
    UnknownCodeError,
    WaitTimeoutError,
    error_for_code,
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


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_makes_its_class_and_says_what_it_means(code: int) -> None:
    kind, meaning = CODES[code]
    error = error_for_code(code, "", request=RequestInfo("GET", "/p"))
    assert type(error) is kind
    assert str(error) == f"{code}: {meaning} (GET /p)"


def test_a_code_nobody_documented() -> None:
    error = error_for_code(4711, "new")
    assert isinstance(error, UnknownCodeError)
    assert str(error) == "4711: new"
    assert str(error_for_code(4711, "")) == "4711: no message"
    assert not error.retryable


def test_what_a_request_error_says() -> None:
    where = RequestInfo("POST", "/p")
    broke = APIConnectionError("broke", request=where, retryable=True, sent=False)
    assert (str(broke), broke.retryable, broke.sent) == ("broke (POST /p)", True, False)
    assert APITimeoutError("late").sent
    unreadable = InvalidResponseError("html", request=where, status=502)
    assert (str(unreadable), unreadable.status) == ("html (POST /p)", 502)


def test_an_install_line_is_part_of_the_text() -> None:
    error = MissingDependencyError("No transport.", install="pip install x")
    assert str(error) == "No transport. Install it with: pip install x"
    assert (error.install, str(MissingDependencyError("No."))) == ("pip install x", "No.")


def test_a_missing_extra_is_named_beside_the_one_that_installs_everything():
    error = MissingDependencyError("No.", install='pip install "akool-async[cli]"')
    assert str(error) == (
        'No. Install it with: pip install "akool-async[cli]", '
        'or everything at once with: pip install "akool-async[all]"'
    )
    assert error.install == 'pip install "akool-async[cli]"'


def test_a_parameter_error_names_field_and_problem() -> None:
    error = InvalidParameterError("duration", "0 is out of range, allowed: 1..3600 seconds")
    assert str(error) == "duration: 0 is out of range, allowed: 1..3600 seconds"
    assert error.field == "duration"


def test_waiting_too_long_tells_the_last_status() -> None:
    assert WaitTimeoutError("late", status=2).status == 2
    assert WaitTimeoutError("late", status=None).retryable


def test_api_errors_tell_who_asked_what() -> None:
    error = APIError(7, "no", request=RequestInfo("GET", "/p"), status=500, retry_after=3.0)
    assert (error.code, error.message, error.status, error.retry_after) == (7, "no", 500, 3.0)


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
