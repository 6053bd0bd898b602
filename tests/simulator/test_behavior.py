from __future__ import annotations

import dataclasses

import pytest

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
