"""The root of all exceptions, and those of a program that is set up or called wrongly."""

from __future__ import annotations

import copy
from typing import Any, Final

__all__ = [
    "AkoolError",
    "ConfigurationError",
    "InvalidParameterError",
    "MessageTooLargeError",
    "MissingDependencyError",
]

#: Installs every optional part at once, where one extra alone might only lead to the next.
EVERYTHING: Final = 'pip install "akool-async[all]"'


def raised_again(error: BaseException) -> BaseException:
    """A new instance, caused by the given one: raising one twice would grow its traceback."""
    fresh = copy.copy(error)
    fresh.__cause__ = error
    return fresh


class AkoolError(Exception):
    """Root of every exception raised by this package.

    All of them can be pickled and copied, so they may cross a process boundary. As for every
    exception, cause and traceback don't go along.
    """

    retryable: bool = False

    @property
    def may_have_acted(self) -> bool:
        """Whether the service may have done what a REST call asked for, though its answer doesn't
        say so. After `session/create`: a session may be open whose id isn't known.
        """
        return False

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args` (the text alone), which most of them don't take.
        state = dict(vars(self))
        if "__notes__" in state:
            state["__notes__"] = list(state["__notes__"])
        return _restore, (type(self), self.args, state)


def _restore(kind: type[AkoolError], args: tuple[object, ...], state: dict[str, Any]) -> AkoolError:
    """An error as it was before it was pickled or copied."""
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


class ConfigurationError(AkoolError):
    """The program is set up wrongly; nothing was sent."""


class MissingDependencyError(ConfigurationError, ImportError):
    """An optional part isn't installed.

    `install` is the command that installs it, `None` where there is none to give. Where it is one
    of this package's extras, the text names `akool-async[all]`, too.
    """

    def __init__(self, message: str, *, install: str | None = None) -> None:
        if install:
            message = f"{message} Install it with: {install}"
            if "akool-async[" in install:
                message += f", or everything at once with: {EVERYTHING}"
        super().__init__(message)
        self.install = install


class InvalidParameterError(AkoolError, ValueError):
    """A value was refused before anything was sent.

    `field` names the parameter (dotted for nested ones), `problem` says what is wrong with the
    value and what would be right.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class MessageTooLargeError(InvalidParameterError):
    """A message doesn't fit one packet and can't be cut; `size` and `limit` are in bytes."""

    def __init__(self, field: str, problem: str, *, size: int, limit: int) -> None:
        super().__init__(field, problem)
        self.size = size
        self.limit = limit
