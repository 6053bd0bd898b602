"""What has to agree when a version is released."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import akool_async
import project_version

ROOT = Path(__file__).parents[1]
PROJECTS = [
    ROOT / "pyproject.toml",
    *sorted(ROOT.glob("transports/*/pyproject.toml")),
    *sorted(ROOT.glob("integrations/*/pyproject.toml")),
]


def project(path: Path) -> dict[str, object]:
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def test_every_distribution_has_the_version_of_the_package():
    found = {project(path)["name"]: project(path)["version"] for path in PROJECTS}
    assert len(found) == len(PROJECTS) >= 6
    assert set(found.values()) == {akool_async.__version__}, found


def test_one_command_sets_the_version_everywhere(tmp_path, capsys):
    for path in project_version.files():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert set(project_version.files()) == {*PROJECTS, ROOT / "akool_async/__init__.py"}
    assert project_version.main(["2.3.4rc1"], tmp_path) == 0
    assert project_version.main([], tmp_path) == 0
    assert capsys.readouterr().out == "2.3.4rc1\n"
    for path in project_version.files(tmp_path)[1:]:
        assert project(path)["version"] == "2.3.4rc1"
    assert project_version.main(["v2"], tmp_path) == 2
    assert "1.2.3" in capsys.readouterr().err


def test_the_newest_part_of_the_change_log_is_of_this_version():
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\S+)", log, re.MULTILINE)
    assert versions[0] == akool_async.__version__


def test_pythons_that_are_tested_are_named():
    text = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    (row,) = re.findall(r"python: \[(.*)\]", text)
    for path in PROJECTS:
        named = [one for one in project(path).get("classifiers", []) if "Python :: 3." in one]
        if named:
            assert [f'"{one.rpartition(" ")[2]}"' for one in named] == row.split(", "), path


def test_every_distribution_has_the_same_licence_and_pythons():
    for path in PROJECTS:
        found = project(path)
        assert (found["license"], found["requires-python"]) == ("MIT", ">=3.11"), path


def test_sessions_that_texts_and_workflows_name_exist():
    nox = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = set(re.findall(r"^@nox\.session\ndef (\w+)", nox, re.MULTILINE))
    texts = [
        ROOT / ".ci/run",
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob(".github/workflows/*.yml"),
    ]
    named: set[str] = set()
    for path in texts:
        text = path.read_text(encoding="utf-8")
        for words in re.findall(r"nox -s ((?:\w+ ?)+)", text):
            named |= set(words.split()) if path.suffix != ".md" else {words.split()[0]}
        for row in re.findall(r"sessions: \[(.*)\]", text):
            named |= set(row.replace(",", " ").split())
    assert named
    assert named <= sessions | {"NAME"}


def test_actions_are_pinned_by_commit_and_say_their_version():
    for path in ROOT.glob(".github/workflows/*.yml"):
        used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
        assert used
        for action in used:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), path


def test_no_text_says_that_a_distribution_is_on_pypi():
    """Until the first release is: then this test goes."""
    names = re.compile(r"pip install (?!.*--find-links)[^`]*akool-async")
    texts = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("transports/*/README.md"),
        *ROOT.glob("integrations/*/README.md"),
        *ROOT.glob("examples/**/*.py"),
    ]
    assert {"README.md", "index.md", "web_app"} <= {one for path in texts for one in path.parts}
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in texts
        for line in path.read_text(encoding="utf-8").splitlines()
        if names.search(line)
    ]
    assert found == []


def test_what_is_published_is_attested_and_every_distribution():
    text = (ROOT / ".github/workflows/publish.yml").read_text(encoding="utf-8")
    assert "id-token: write" in text
    assert "attestations: true" in text
    assert "uv build --all-packages" in text
    members = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]
    for apart in members["workspace"]["exclude"]:
        assert f"uv build {apart} " in text


def test_workflows_keep_no_credentials_and_have_limits():
    workflows = sorted(ROOT.glob(".github/workflows/*.yml"))
    assert len(workflows) == 3
    for path in workflows:
        text = path.read_text(encoding="utf-8")
        assert "\npermissions: { contents: read }\n" in text
        assert text.count("runs-on:") == text.count("timeout-minutes:")
        checkouts = re.findall(
            r"actions/checkout@\S+ # \S+\n\s+with: \{ persist-credentials: false", text
        )
        assert len(checkouts) == text.count("actions/checkout@")
        assert "secrets." not in text
