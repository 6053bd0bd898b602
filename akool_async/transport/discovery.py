"""Finding transports by name, through entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Final

from akool_async.errors import ConfigurationError, MissingDependencyError
from akool_async.transport.contract import Transport

__all__ = ["GROUP", "available_transports", "load_transport"]

GROUP: Final = "akool_async.transports"

#: Transports of this project, for the install line when one isn't there.
_OURS: Final = ("livekit", "chatroom", "agora", "trtc")

#: The entry points that were found. To find one, Python reads the metadata of all distributions:
#: several milliseconds in which the loop waits. What isn't there yet may be installed later.
_found: dict[str, EntryPoint] = {}


def available_transports() -> dict[str, str]:
    """Names of the installed transports, each with where it comes from ("module:Class")."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)}


def load_transport(name: str) -> type[Transport]:
    """The transport installed under `name`.

    Looks for it once: another one that is installed under the same name later isn't seen.

    Raises:
        MissingDependencyError: one of this project's, not installed; or its package is broken.
        ConfigurationError: no package provides that name (lists those that are there), or what
            is installed under it isn't a `Transport`.
    """
    entry = _find(name)
    if entry is None:
        there = ", ".join(sorted(available_transports())) or "none"
        message = f"No transport named {name!r} is installed (installed: {there})."
        if name in _OURS:
            raise MissingDependencyError(message, install=f'pip install "akool-async[{name}]"')
        raise ConfigurationError(
            f"{message} A transport is a package with an entry point in the group {GROUP!r}."
        )
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


def _find(name: str) -> EntryPoint | None:
    if name not in _found and (there := entry_points(group=GROUP, name=name)):
        _found[name] = next(iter(there))
    return _found.get(name)
