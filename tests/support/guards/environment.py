"""Tests see none of the caller's own settings."""

from __future__ import annotations

import os

import pytest

__all__: list[str] = []

_SETTINGS = (
    "AKOOL_API_KEY",
    "AKOOL_API_URL",
    "AKOOL_CLIENT_ID",
    "AKOOL_CLIENT_SECRET",
    "LIVEKIT_URL",
    "LIVEKIT_API_KEY",
    "LIVEKIT_API_SECRET",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes keys, addresses and proxies out of the environment."""
    for name in list(os.environ):
        if name in _SETTINGS or name.upper() in _PROXIES:
            monkeypatch.delenv(name)
