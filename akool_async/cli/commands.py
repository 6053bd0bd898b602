"""Making a command of a coroutine function: its groups of options, its exit status."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar, get_type_hints

import typer

from akool_async.cli.running import run_command

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, int]])


def command(app: typer.Typer, name: str) -> Callable[[F], F]:
    """Adds a coroutine function, which returns the exit status, to the commands of `app`.

    A parameter that is a dataclass stands for its fields: each becomes an option, so that a group
    of options is written once. `as_json`, as a parameter or a field, is how errors are written.
    """

    def add(function: F) -> F:
        hints = get_type_hints(function, include_extras=True)
        groups: dict[str, type[Any]] = {}
        options: list[inspect.Parameter] = []
        for parameter in inspect.signature(function).parameters.values():
            kind = hints[parameter.name]
            if dataclasses.is_dataclass(kind) and isinstance(kind, type):
                groups[parameter.name] = kind
                options += _options(kind)
            else:
                options.append(_option(parameter.name, kind, parameter.default))

        def run(**given: Any) -> None:
            as_json = bool(given.get("as_json"))
            for parameter, kind in groups.items():
                names = [field.name for field in dataclasses.fields(kind)]
                given[parameter] = kind(**{name: given.pop(name) for name in names})
            raise typer.Exit(run_command(partial(function, **given), as_json=as_json))

        run.__doc__ = function.__doc__
        run.__name__ = function.__name__
        run.__annotations__ = {option.name: option.annotation for option in options}
        # typer reads the options from the signature.
        vars(run)["__signature__"] = inspect.Signature(options)
        app.command(name)(run)
        return function

    return add


def _options(kind: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for field in dataclasses.fields(kind):
        missing = field.default is dataclasses.MISSING
        default = inspect.Parameter.empty if missing else field.default
        found.append(_option(field.name, hints[field.name], default))
    return found


def _option(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
