"""Frameworks that inject dependencies, or build forms, read the annotations of what they call."""

from __future__ import annotations

import importlib
import inspect
import typing

import pytest

import akool_async

#: Packages whose `__all__` is public.
PACKAGES = (
    "akool_async",
    "akool_async.models",
    "akool_async.rooms",
    "akool_async.transport",
    "akool_async.stream",
    "akool_async.simulator",
    "akool_async.webhooks",
    "akool_async.resources.account",
    "akool_async.resources.avatars",
    "akool_async.resources.knowledge",
    "akool_async.resources.languages",
    "akool_async.resources.legacy_sessions",
    "akool_async.resources.pagination",
    "akool_async.resources.sessions",
    "akool_async.resources.voices",
)


def public() -> list[str]:
    names = []
    for package in PACKAGES:
        module = importlib.import_module(package)
        names += [f"{package}:{name}" for name in module.__all__]
    return names


def callables(thing: object) -> dict[str, object]:
    """A function itself; of a class the class, its constructor and its public methods."""
    if inspect.isfunction(thing):
        return {"": thing}
    if not inspect.isclass(thing):
        return {}
    found: dict[str, object] = {"class": thing}
    for name, member in inspect.getmembers(thing):
        if name.startswith("_") and name != "__init__":
            continue
        if inspect.isfunction(member) or inspect.ismethod(member):
            found[name] = member
        elif isinstance(member, property) and member.fget is not None:
            found[name] = member.fget
    return found


@pytest.mark.parametrize("name", public())
def test_annotations_resolve(name: str) -> None:
    package, _, attribute = name.partition(":")
    for where, member in callables(getattr(importlib.import_module(package), attribute)).items():
        if getattr(member, "__module__", "").startswith("akool"):
            assert isinstance(typing.get_type_hints(member), dict), where


def test_a_client_names_what_it_opens() -> None:
    hints = typing.get_type_hints(akool_async.AkoolClient.open_session)
    entered = typing.get_type_hints(hints["return"].__aenter__)
    assert entered["return"] is akool_async.AvatarSession
