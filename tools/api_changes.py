"""Says which public names and signatures changed since a release and aren't in CHANGELOG.md.

    python tools/api_changes.py                     # since the last tag
    python tools/api_changes.py --against main      # since any commit

Public is what docs/api/ lists. Exit status 0: every change is named by a line that was added to
CHANGELOG.md; 1: some aren't (they are printed); 2: there is nothing to compare with.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import griffe

__all__ = ["added_lines", "changes", "main", "public_api", "unexplained"]

PACKAGE: Final = "akool_async"
_CHANGELOG: Final = "CHANGELOG.md"
_REFERENCE: Final = "docs/api"


def public_api(root: Path, listed: Sequence[str] | None = None) -> dict[str, str]:
    """Every public name of the package in `root`, each with its signature as text.

    Args:
        root: a folder that holds the package and, unless `listed` is given, docs/api/.
        listed: paths of public objects and modules.
    """
    # Not by a relative path: the current folder has the same package.
    package = griffe.load(PACKAGE, search_paths=[str(root)], try_relative_path=False)
    found: dict[str, str] = {}
    listed = reference(root) if listed is None else listed
    for path in listed:
        try:
            entry = package if path == PACKAGE else package[path.removeprefix(f"{PACKAGE}.")]
        except KeyError:
            continue
        if entry.is_module:
            for name in map(str, entry.exports or ()):
                member = entry.members.get(name)
                if member is not None and not _is_module(member):
                    found.update(_signatures(f"{path}.{name}", member))
        else:
            found.update(_signatures(path, entry))
    return found


def reference(root: Path) -> list[str]:
    """What the pages of the API reference list."""
    pages = sorted((root / _REFERENCE).glob("*.md"))
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    return [PACKAGE, *(line.split()[1] for line in lines if line.startswith("::: "))]


def _is_module(entry: griffe.Object | griffe.Alias) -> bool:
    try:
        return entry.is_module
    except griffe.AliasResolutionError:
        return False


def _signatures(path: str, entry: griffe.Object | griffe.Alias) -> Iterator[tuple[str, str]]:
    if entry.is_alias:
        try:
            entry = entry.final_target  # type: ignore[union-attr]
        except griffe.AliasResolutionError:  # another package's
            yield path, "imported"
            return
    if isinstance(entry, griffe.Class):
        yield path, f"class({', '.join(str(base) for base in entry.bases)})"
        for name, member in entry.all_members.items():
            if name == "__init__" or not name.startswith("_"):
                yield from _signatures(f"{path}.{name}", member)
    elif isinstance(entry, griffe.Function):
        parameters = str(griffe.Function.signature(entry))
        prefix = "async " if "async" in entry.labels else ""
        yield path, f"{prefix}{parameters}"
    elif isinstance(entry, griffe.Attribute):
        yield path, f"{entry.annotation} = {_default(entry)}"
    else:
        yield path, str(getattr(entry, "value", ""))


def _default(entry: griffe.Attribute) -> str:
    # Text of a constant, such as a version, isn't its signature; a field's default and the members
    # of a type are.
    if isinstance(entry.parent, griffe.Module):
        return str(entry.value) if entry.name[1:2].islower() else "…"
    return str(entry.value) if "class-attribute" in entry.labels else "…"


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """What differs: the name, and what happened to it."""
    found = {}
    for name in sorted(old.keys() | new.keys()):
        parent = name.rpartition(".")[0]
        if name not in new:
            if parent not in old or parent in new:  # else its class says it already
                found[name] = "removed"
        elif name not in old:
            if parent not in new or parent in old:
                found[name] = "added"
        elif old[name] != new[name]:
            found[name] = f"changed from {old[name]} to {new[name]}"
    return {name: what for name, what in found.items() if not _said_above(name, what, found)}


def _said_above(name: str, what: str, found: Mapping[str, str]) -> bool:
    """Whether it is the same change of a name that the package has from one of its modules."""
    package, _, rest = name.partition(".")
    above = f"{package}.{rest.partition('.')[2]}"
    return rest[:1].islower() and found.get(above) == what


def unexplained(found: Mapping[str, str], added: str) -> dict[str, str]:
    """The changes whose name, or whose class's name, isn't in the text added to the change log."""
    words = set(re.findall(r"\w+", added))
    missing = {}
    for name, what in found.items():
        parts = name.split(".")
        owner = parts[-2] if len(parts) > 1 and parts[-2][:1].isupper() else parts[-1]
        if not words & {parts[-1], owner}:
            missing[name] = what
    return missing


def added_lines(old: str, new: str) -> str:
    """The lines of `new` that `old` hasn't."""
    before = set(old.splitlines())
    return "\n".join(line for line in new.splitlines() if line not in before)


def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """The command; `root` is the repository, by default the current folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", metavar="REF", help="a commit; by default the last tag")
    reference_point = parser.parse_args(arguments).against
    root = root or Path.cwd()
    try:
        reference_point = reference_point or _git(root, "describe", "--tags", "--abbrev=0").strip()
        archive = _git_bytes(root, "archive", reference_point)
    except subprocess.CalledProcessError as error:
        print(f"nothing to compare with: {error.stderr.decode().strip()}", file=sys.stderr)
        print("Give a commit: --against REF", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="akool-api-") as folder:
        before = Path(folder)
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            # Python 3.11 has the filter since 3.11.4; git's own archive needs none.
            safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            files.extractall(before, **safe)
        # What wasn't listed at that time may have been public all the same.
        listed = list(dict.fromkeys([*reference(before), *reference(root)]))
        found = changes(public_api(before, listed), public_api(root))
        added = added_lines(_text(before / _CHANGELOG), _text(root / _CHANGELOG))
    missing = unexplained(found, added)
    print(f"{len(found)} public names changed since {reference_point}")
    for name, what in missing.items():
        print(f"{name}: {what}, and no line added to {_CHANGELOG} names it")
    return 1 if missing else 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _git(root: Path, *arguments: str) -> str:
    return _git_bytes(root, *arguments).decode()


def _git_bytes(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True).stdout


if __name__ == "__main__":
    sys.exit(main())
