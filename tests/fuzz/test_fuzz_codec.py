"""The short form of the fuzzer, whose long one `nox -s fuzz` runs; and that it finds faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from loading import load

from akool_async.stream import AGORA, Received, StreamCodec

SCRIPT = Path(__file__).parent / "fuzz_codec.py"


@pytest.fixture(scope="module")
def fuzzer() -> ModuleType:
    return load(SCRIPT)


@pytest.mark.slow
def test_ten_thousand_packets() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--packets", "10000", "--seed", "1"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10,000 packets without a failure" in done.stdout
    for kind in ("ChatDelta", "Chat", "PartialChat", "LatePart", "CommandAnswer", "SetParams"):
        assert f"'{kind}'" in done.stdout


class Raising(StreamCodec):
    """Fails for one packet in many."""

    def decode(self, packet: bytes, *, now: float) -> list[Received]:
        if b"null" in packet:
            raise KeyError("null")
        return super().decode(packet, now=now)


class Leaking(StreamCodec):
    """Keeps every packet."""

    def decode(self, packet: bytes, *, now: float) -> list[Received]:
        self.__dict__.setdefault("kept", []).append(bytes(packet))
        return super().decode(packet, now=now)


class Hoarding(StreamCodec):
    """Says it holds more than it may."""

    held_bytes = 2**30


@pytest.mark.parametrize(
    ("kind", "found"),
    [(Raising, "KeyError: 'null'"), (Leaking, "bytes of memory"), (Hoarding, "holds 1073741824")],
)
def test_it_finds_a_codec_that_fails(
    fuzzer: ModuleType, kind: type[StreamCodec], found: str
) -> None:
    codec = kind(AGORA, bounds=fuzzer.BOUNDS)
    with pytest.raises(fuzzer.FoundError, match=found):
        fuzzer.fuzz(50_000, 2, codec=codec, say=lambda text: None)
