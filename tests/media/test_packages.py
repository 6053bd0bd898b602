"""What an optional package that is missing leads to."""

from __future__ import annotations

import importlib

import pytest

from akool_async.errors import MissingDependencyError
from akool_async.media import packages


@pytest.mark.parametrize(
    ("name", "extra"), [("numpy", "sound"), ("av", "record")], ids=["numpy", "av"]
)
def test_says_how_to_install_it(monkeypatch, name, extra):
    def missing(module):
        raise ImportError(module)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError) as raised:
        getattr(packages, name)()
    assert raised.value.install == f'pip install "akool-async[{extra}]"'


def test_gives_the_package():
    assert packages.numpy().frombuffer(b"\1\0", "<i2")[0] == 1
    assert packages.av().AudioFrame("s16", "mono", 4).samples == 4
