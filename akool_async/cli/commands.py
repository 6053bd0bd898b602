"""Making a command of a coroutine function: its groups of options, its exit status."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar, get_type_hints

import typer

from akool_async.cli.running import run_command

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, int]])


def command(app: typer.Typer, name: str | None) -> Callable[[F], F]:
    """Adds a coroutine function, which returns the exit status, to the commands of `app`.

    Without a name it is what the group does when no command is given.

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
        if name is None:
            app.callback(invoke_without_command=True)(_of_group(run, options))
        else:
            app.command(name)(run)
        return function

    return add


def _of_group(
    run: Callable[..., None], options: Sequence[inspect.Parameter]
) -> Callable[..., None]:
    """What a group does: `run`, unless one of its commands is given."""

    def main(context: typer.Context, **given: Any) -> None:
        if context.invoked_subcommand is None:
            run(**given)
            return
        for name in given:
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                raise typer.BadParameter(
                    f"is for {context.info_name} alone: give it after {context.invoked_subcommand}"
                    ", if that takes it",
                    param_hint=f"'--{name.replace('_', '-')}'",
                )

    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    main.__doc__ = run.__doc__
    main.__annotations__ = {"context": typer.Context, **run.__annotations__}
    vars(main)["__signature__"] = inspect.Signature([context, *options])
    return main


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
