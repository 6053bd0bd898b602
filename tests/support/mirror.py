"""Lists the modules that have no test module of their path; exits with 1 if there are any.

    python tests/support/mirror.py

`akool_async/rest/retry.py` is tested by `tests/rest/test_retry.py`, and a plugin's
`transports/NAME/akool_NAME/address.py` by `transports/NAME/tests/test_address.py`. A module in
which no function does anything (protocols, constants, fields without a check of their own) needs
none: there is no behaviour that a test could find wrong. Those in `ELSEWHERE` are tested by another
module, which has to be there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["ELSEWHERE", "untested"]

ROOT = Path(__file__).parents[2]

#: Module -> the module that tests it. Only for parts that nothing but the whole can run.
ELSEWHERE: Final = {
    # They join a real livekit-server, which `nox -s livekit` starts for tests/livekit.
    "akool_async/simulator/rooms/livekit_server/client.py": "tests/livekit/test_conversation.py",
    "akool_async/simulator/rooms/livekit_server/media.py": "tests/livekit/test_avatar_media.py",
    "akool_async/simulator/rooms/livekit_server/meeting.py": "tests/livekit/test_meeting.py",
    "akool_async/simulator/rooms/livekit_server/following.py": "tests/livekit/test_avatar_media.py",
    "akool_async/simulator/rooms/livekit_server/voice.py": "tests/livekit/test_meeting.py",
    "akool_async/simulator/rooms/livekit_server/room.py": "tests/livekit/test_conversation.py",
    # The first half of one suite.
    "akool_async/testing/media_receiving_conformance.py": "tests/testing/test_media_conformance.py",
}


def _pairs(root: Path) -> Iterator[tuple[Path, Path]]:
    """Packages and the folders of their tests."""
    yield root / "akool_async", root / "tests"
    for folder in ("transports", "integrations"):
        for package in sorted(root.glob(f"{folder}/*/akool_*")):
            yield package, package.parent / "tests"


def _does_something(function: ast.AST) -> bool:
    """Whether it is a function with a body that isn't a docstring, `...` or `pass` alone."""
    if isinstance(function, ast.Lambda):
        return True
    return isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and not all(
        isinstance(line, ast.Pass)
        or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        for line in function.body
    )


def _has_behaviour(module: Path) -> bool:
    return any(map(_does_something, ast.walk(ast.parse(module.read_text("utf-8")))))


def untested(root: Path = ROOT) -> list[str]:
    """The paths of modules without a test module, from the root, in order."""
    missing = []
    for package, tests in _pairs(root):
        for module in sorted(package.rglob("*.py")):
            if module.stem in ("__init__", "__main__"):
                continue
            place = tests / module.relative_to(package).parent
            if (place / f"test_{module.stem}.py").exists():
                continue
            name = module.relative_to(root).as_posix()
            if name in ELSEWHERE and (root / ELSEWHERE[name]).exists():
                continue
            if _has_behaviour(module):
                missing.append(name)
    return missing


if __name__ == "__main__":
    found = untested()
    print("\n".join(found))
    print(f"{len(found)} modules without a test module of their path", file=sys.stderr)
    sys.exit(1 if found else 0)
