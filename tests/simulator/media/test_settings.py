"""What `Media` accepts."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.settings import Media


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 0),
        ("width", 641),
        ("height", 5000),
        ("height", 360.5),
        ("fps", 0),
        ("fps", 61),
        ("voice", "human"),
        ("voice", None),
        ("listen", "whisper"),
        ("end_of_turn", 0),
        ("end_of_turn", float("nan")),
    ],
)
def test_a_wrong_value_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(InvalidParameterError, match=f"^{field}: "):
        Media(**{field: value})


def test_functions_are_voices_and_ears() -> None:
    media = Media(voice=lambda text: AudioFrame(b"", 8_000), listen=lambda frame: None)
    assert callable(media.voice)
    assert callable(media.listen)
    assert Media(listen=None).listen is None


@pytest.mark.parametrize(("module", "name"), [("numpy", "numpy"), ("av", "PyAV")])
def test_a_missing_package_and_its_extra_are_named(
    monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"{name} isn't.*akool-async\[simulator\]"):
        Media()
