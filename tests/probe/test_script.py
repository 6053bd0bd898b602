"""Each variant of the simulator's behaviour is found by the script that runs against it."""

from __future__ import annotations

import pytest
from probing import probed

from akool_async.simulator import ServiceBehavior, Simulator

pytestmark = pytest.mark.virtual_clock

#: Every switch in each of its other positions, in few runs. Some hide others: without `fin` there
#: is no place for it, and a text that isn't sent has no pace.
MIXTURES = {
    "observed": ServiceBehavior(),
    "talkative": ServiceBehavior(
        greets=True,
        splits_utterances=True,
        speaks_by_itself=False,
        default_mode=1,
        no_stream_type=True,
        all_credentials=True,
        answers_avatar_id=True,
        reply_mid="other",
        echo="same_mid",
        fin="only_last",
        fin_place="pld",
        retelling_paced=True,
        second_chat="interrupt",
        command_type="cmd",
        interrupted_fin=True,
        halves_surrogates=True,
        room_end="room_closes",
    ),
    "quiet": ServiceBehavior(
        echoes_user_speech=False,
        drops_before_video=False,
        resets_parameters=True,
        one_session_per_avatar=True,
        echo="other_mid",
        empty_last_part=True,
        retelling_text=False,
        speaks_before_fin=True,
        answer_mid=False,
        room_end="silence",
    ),
    "endless": ServiceBehavior(fin="missing", audio_events=False),
}
HIDDEN = {
    "quiet": {"retelling_paced", "halves_surrogates"},
    "endless": {"fin_place", "empty_last_part", "interrupted_fin", "second_chat"},
}


def visible(behavior: ServiceBehavior) -> dict[str, object]:
    """What can be seen of a behaviour in an Agora room."""
    switches = behavior.to_dict()
    del switches["payload_base64"]
    if switches["drops_before_video"]:
        switches["drops_before_video"] = None  # the default does the same
    return switches


@pytest.mark.parametrize("name", MIXTURES)
async def test_it_finds_the_variant_that_it_runs_against(name, tmp_path):
    behavior = MIXTURES[name]
    report = await probed(behavior)
    wanted = visible(behavior)
    assert report.behavior == {
        switch: value for switch, value in wanted.items() if switch not in HIDDEN.get(name, ())
    }
    # The simulator made from the file is the same in everything that was seen.
    report.write(tmp_path / "behavior.json")
    again = Simulator(behavior=tmp_path / "behavior.json")._settings.behavior.to_dict()
    assert {switch: again[switch] for switch in report.behavior} == report.behavior
    agreeing = {row.question for row in report.rows if row.agrees is False}
    assert bool(agreeing) is (name != "observed")


def test_the_mixtures_have_every_variant():
    """In those runs that can show it."""
    missing = []
    for switch, usual in visible(ServiceBehavior()).items():
        for name in ServiceBehavior.all_alternatives():
            its_switch, _, value = name.partition("=")
            if its_switch != switch or switch == "drops_before_video":
                continue
            if not any(
                str(mixture.to_dict()[switch]) == value != str(usual)
                and switch not in HIDDEN.get(run, ())
                for run, mixture in MIXTURES.items()
            ):
                missing.append(name)
    assert missing == []


@pytest.mark.parametrize("seed", [3, 7])
async def test_what_it_finds_in_a_mixture_is_true(seed):
    behavior = ServiceBehavior.random(seed)
    report = await probed(behavior)
    wanted = visible(behavior)
    assert {s: v for s, v in report.behavior.items() if wanted[s] != v} == {}
    assert len(report.behavior) > 12
