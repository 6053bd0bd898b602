"""Finding transports by name, through entry points."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Final

from akool_async.errors import ConfigurationError, MissingDependencyError
from akool_async.transport.contract import Transport

__all__ = ["GROUP", "available_transports", "load_transport"]

GROUP: Final = "akool_async.transports"

#: Transports of this project, for the install line when one isn't there.
_OURS: Final = ("livekit", "chatroom", "agora", "trtc")


def available_transports() -> dict[str, str]:
    """Names of the installed transports, each with where it comes from ("module:Class")."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)}


def load_transport(name: str) -> type[Transport]:
    """The transport installed under `name`.

    Raises:
        MissingDependencyError: one of this project's, not installed; or its package is broken.
        ConfigurationError: no package provides that name (lists those that are there), or what
            is installed under it isn't a `Transport`.
    """
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        there = ", ".join(sorted(available_transports())) or "none"
        message = f"No transport named {name!r} is installed (installed: {there})."
        if name in _OURS:
            raise MissingDependencyError(message, install=f'pip install "akool-async[{name}]"')
        raise ConfigurationError(
            f"{message} A transport is a package with an entry point in the group {GROUP!r}."
        )
    entry = next(iter(found))
    try:
        loaded = entry.load()
    except ImportError as error:
        raise MissingDependencyError(
            f"The {name!r} transport ({entry.value}) can't be imported: {error}.",
            install=f'pip install "akool-async[{name}]"' if name in _OURS else None,
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Transport)):
        raise ConfigurationError(
            f"The entry point {name!r} ({entry.value}) isn't a subclass of Transport."
        )
    return loaded
