"""`simulator.behavior`: the switches, presets, and files of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.simulator import ServiceBehavior


def test_every_switch_has_its_alternatives_one_at_a_time() -> None:
    alternatives = ServiceBehavior.all_alternatives()
    default = dataclasses.asdict(ServiceBehavior())
    seen: set[str] = set()
    for name, behavior in alternatives.items():
        if name == "worst_mix":
            continue
        changed = {k for k, v in dataclasses.asdict(behavior).items() if v != default[k]}
        assert changed == {name.split("=")[0]}
        seen |= changed
    assert seen == set(default)
    assert len({repr(p) for p in alternatives.values()}) == len(alternatives)


def test_the_worst_mix_turns_what_makes_a_reply_hard_to_recognise() -> None:
    worst = ServiceBehavior.all_alternatives()["worst_mix"]
    assert worst.fin == "missing"
    assert not worst.audio_events
    assert worst.reply_mid == "other"


@pytest.mark.parametrize("wrong", [{"fin": "sometimes"}, {"echo": True}, {"answer_mid": 1}])
def test_a_wrong_position_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ServiceBehavior(**wrong)  # type: ignore[arg-type]


def test_but_changes_a_copy() -> None:
    assert ServiceBehavior().but(audio_events=False) == ServiceBehavior(audio_events=False)


def test_the_same_seed_gives_the_same_behavior() -> None:
    assert ServiceBehavior.random(7) == ServiceBehavior.random(7)
    drawn = [dataclasses.asdict(ServiceBehavior.random(seed)) for seed in range(100)]
    for name, default in dataclasses.asdict(ServiceBehavior()).items():
        assert any(one[name] != default for one in drawn), name


def test_a_file_of_switches(tmp_path: Path) -> None:
    file = tmp_path / "behavior.json"
    wanted = ServiceBehavior(greets=True, fin="missing", default_mode=1, drops_before_video=True)
    file.write_text(json.dumps(wanted.to_dict()))
    assert ServiceBehavior.load(file) == ServiceBehavior.load(str(file)) == wanted
    file.write_text('{"echo": "same_mid"}')
    assert ServiceBehavior.load(file) == ServiceBehavior(echo="same_mid")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ('{"greet": true}', "greet"),
        ('{"greets": 1}', "greets"),
        ('{"default_mode": true}', "default_mode"),
        ('{"fin": null}', "fin"),
        (None, "can't be read"),
    ],
)
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, content: str | None, named: str
) -> None:
    file = tmp_path / "behavior.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidParameterError, match=named):
        ServiceBehavior.load(file)


@pytest.mark.parametrize(
    ("name", "behavior"),
    [
        ("observed", ServiceBehavior()),
        ("worst_mix", ServiceBehavior.worst_mix()),
        ("documented", ServiceBehavior.presets()["documented"]),
        ("greets", ServiceBehavior(greets=True)),
        ("greets + fin=missing", ServiceBehavior(greets=True, fin="missing")),
        ("worst_mix+room_end=room_closes", ServiceBehavior.worst_mix().but(room_end="room_closes")),
        ("default_mode=1+no_stream_type", ServiceBehavior(default_mode=1, no_stream_type=True)),
        ("audio_events=false", ServiceBehavior(audio_events=False)),
        ("random=7", ServiceBehavior.random(7)),
        ("random=7+greets=false", ServiceBehavior.random(7).but(greets=False)),
    ],
)
def test_names(name: str, behavior: Any) -> None:
    assert ServiceBehavior.load(name) == behavior


@pytest.mark.parametrize("name", ["", "observd", "random=x", "fin=never", "fin", "greets=maybe"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameterError):
        ServiceBehavior.load(name)
