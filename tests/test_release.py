"""What has to agree when a version is released."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import akool_async

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


def test_the_newest_part_of_the_change_log_is_of_this_version():
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\S+)", log, re.MULTILINE)
    assert versions[0] == akool_async.__version__


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


def test_workflows_keep_no_credentials_and_have_limits():
    workflows = sorted(ROOT.glob(".github/workflows/*.yml"))
    assert len(workflows) == 3
    for path in workflows:
        text = path.read_text(encoding="utf-8")
        assert "\npermissions: { contents: read }\n" in text
        assert text.count("runs-on:") == text.count("timeout-minutes:")
        checkouts = re.findall(
            r"actions/checkout@\S+\n\s+with: \{ persist-credentials: false", text
        )
        assert len(checkouts) == text.count("actions/checkout@")
        assert "secrets." not in text
