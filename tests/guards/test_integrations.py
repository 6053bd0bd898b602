"""Integrations use what the packages name as public, and nothing else of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "integrations"
PUBLIC = {"akool_async", "akool_livekit"}


@pytest.mark.parametrize(
    "package", ["livekit_agents/akool_livekit_agents", "pipecat/akool_pipecat"]
)
def test_only_the_public_api_is_imported(package: str) -> None:
    files = list((ROOT / package).glob("**/*.py"))
    assert len(files) > 1
    own = package.rpartition("/")[2]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            for name in names:
                top = name.partition(".")[0]
                if top.startswith("akool_") and top != own:
                    assert name in PUBLIC, f"{file.name} imports {name}"
