"""Prints the version, or sets it in every distribution and in the package.

    python tools/project_version.py          # 0.1.0
    python tools/project_version.py 0.2.0

The files hold it as text, because to compute it each distribution would be built whenever an
environment is made. `tests/test_release.py` fails where they differ.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["files", "main"]

ROOT: Final = Path(__file__).parents[1]
_PACKAGE: Final = Path("akool_async", "__init__.py")
_LINE: Final = re.compile(r'^((?:__version__|version) = )"([^"]*)"$', re.MULTILINE)
#: What PyPI and tags take; no local versions.
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


def files(root: Path = ROOT) -> list[Path]:
    """The files that hold the version, the package's first."""
    own = [root / _PACKAGE, root / "pyproject.toml"]
    return own + [path for folder in ("transports", "integrations")
                  for path in sorted((root / folder).glob("*/pyproject.toml"))]  # fmt: skip


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Runs the command; returns the exit status, 2 for what is no version."""
    if not arguments:
        found = _LINE.search(files(root)[0].read_text(encoding="utf-8"))
        assert found is not None
        sys.stdout.write(f"{found[2]}\n")
        return 0
    (new,) = arguments
    if not _VERSION.fullmatch(new):
        sys.stderr.write(f"{new!r} isn't a version such as 1.2.3 or 1.2.3rc1\n")
        return 2
    for path in files(root):
        text = path.read_text(encoding="utf-8")
        changed, count = _LINE.subn(rf'\g<1>"{new}"', text, count=1)
        if not count:
            raise ValueError(f"{path} has no version")
        path.write_text(changed, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
