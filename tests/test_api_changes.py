"""Changes of public names and signatures, and whether CHANGELOG.md names them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import api_changes

CORE = '''"""A package."""
from akool_async.parts import Base
__all__ = ["Client", "Mode", "join"]
Mode = int | str


class Client(Base):
    def __init__(self, key: str) -> None: ...
    async def open(self, name: str, *, mode: int = 2) -> None: ...
    def _private(self) -> None: ...


def join(session: str) -> None: ...
def internal() -> None: ...
'''
PARTS = '''"""What it is made of."""
class Base:
    limit: float = 1.0

    def inherited(self) -> None: ...
'''


class Repository:
    """A repository with a package and its API reference."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("akool_async/__init__.py", CORE)
        self.write("akool_async/parts.py", PARTS)
        self.write("docs/api/index.md", "# API\n\n::: akool_async.Client\n::: akool_async.join\n")
        self.write("CHANGELOG.md", "# Changes\n\n## 1.0\n\n- `Client.open`\n")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "The first")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self, name: str, before: str, after: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert before in text
        self.write(name, text.replace(before, after))

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)

    def check(self, *arguments: str) -> int:
        return api_changes.main(arguments, root=self.root)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_public_is_what_the_reference_lists_with_inherited_members(repository):
    api = api_changes.public_api(repository.root)
    assert set(api) == {
        "akool_async.Client",
        "akool_async.Client.__init__",
        "akool_async.Client.inherited",
        "akool_async.Client.limit",
        "akool_async.Client.open",
        "akool_async.Mode",
        "akool_async.join",
    }
    assert "mode: int = 2" in api["akool_async.Client.open"]


def test_without_a_change_it_passes(repository, capsys):
    repository.change("akool_async/__init__.py", "def internal()", "def renamed_internal()")
    assert repository.check("--against", "HEAD") == 0
    assert capsys.readouterr().out == "0 public names changed since HEAD\n"


@pytest.mark.parametrize(
    ("file", "before", "after", "name"),
    [
        ("__init__", "mode: int = 2", "mode: int = 1", "Client.open"),
        ("__init__", "async def open", "def open", "Client.open"),
        ("__init__", "-> None: ...\n    def _p", "-> str: ...\n    def _p", "Client.open"),
        ("__init__", "key: str", "key: str, *, url: str", "Client.__init__"),
        ("__init__", "Mode = int | str", "Mode = int", "Mode"),
        ("__init__", "Client(Base)", "Client(Base, Exception)", "Client"),
        ("parts", "limit: float = 1.0", "limit: float = 2.0", "Client.limit"),
        ("parts", "def inherited", "def renamed", "Client.inherited"),
        (
            "parts",
            "def inherited",
            "def added(self): ...\n    def inherited",
            "Client.added",
        ),
        ("__init__", '"Mode", "join"', '"Mode", "internal", "join"', "internal"),
    ],
)
def test_a_change_needs_a_line_that_names_it(repository, capsys, file, before, after, name):
    repository.change(f"akool_async/{file}.py", before, after)
    assert repository.check("--against", "HEAD") == 1
    assert f"akool_async.{name}: " in capsys.readouterr().out
    with (repository.root / "CHANGELOG.md").open("a", encoding="utf-8") as log:
        log.write("- `Client`, `Mode`, `internal` and others are new.\n")
    assert repository.check("--against", "HEAD") == 0


def test_what_was_in_the_change_log_before_is_no_entry(repository):
    repository.change("akool_async/__init__.py", "name: str, *", "other: str, *")
    assert repository.check("--against", "HEAD") == 1  # the log of 1.0 names Client.open


def test_a_name_that_leaves_the_reference_is_removed(repository, capsys):
    repository.change("akool_async/__init__.py", '"Mode", "join"', '"Mode"')
    repository.change("akool_async/__init__.py", "def join(session: str) -> None: ...\n", "")
    repository.write("docs/api/index.md", "# API\n\n::: akool_async.Client\n")
    assert repository.check("--against", "HEAD") == 1
    assert "akool_async.join: removed" in capsys.readouterr().out


def test_a_change_of_a_name_that_two_modules_export_is_said_once(repository, capsys):
    repository.write("docs/api/parts.md", "# Parts\n\n::: akool_async.parts\n")
    repository.change("akool_async/parts.py", "class Base", '__all__ = ["Base"]\nclass Base')
    repository.change("akool_async/__init__.py", '["Client"', '["Base", "Client"')
    repository.git("add", "-A")
    repository.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "Both")
    repository.change("akool_async/parts.py", "def inherited(self)", "def inherited(self, x)")
    assert repository.check("--against", "HEAD") == 1
    output = capsys.readouterr().out
    assert output.count("akool_async.Base.inherited: ") == 1
    assert "akool_async.parts" not in output


def test_the_last_tag_is_what_it_compares_with(repository, capsys):
    assert repository.check() == 2
    assert "Give a commit: --against REF" in capsys.readouterr().err
    repository.git("tag", "v1.0")
    repository.change("akool_async/__init__.py", "session: str", "session: bytes")
    assert repository.check() == 1
    assert "since v1.0" in capsys.readouterr().out


def test_an_unknown_commit_is_an_error(repository, capsys):
    assert repository.check("--against", "no-such-commit") == 2
    assert "no-such-commit" in capsys.readouterr().err


def test_the_real_reference_lists_what_is_documented():
    api = api_changes.public_api(Path(__file__).parents[1])
    for name in (
        "AkoolClient.open_session",
        "AvatarSession.ask",
        "events.ReplyDone",
        "errors.BusyError",
    ):
        assert f"akool_async.{name}" in api
