"""Names and forms of LiveKit's data-stream avatars."""

from __future__ import annotations

import json

import pytest

from akool_async.simulator.meeting.player import Segment
from akool_async.simulator.meeting.protocol import audio_form, report


def test_the_form_is_read_from_texts() -> None:
    assert audio_form({"sample_rate": "24000", "num_channels": "1", "more": "x"}) == (24_000, 1)
    assert audio_form({"sample_rate": "48000", "num_channels": "2"}) == (48_000, 2)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"sample_rate": "24000"},
        {"sample_rate": "many", "num_channels": "1"},
        {"sample_rate": "7999", "num_channels": "1"},
        {"sample_rate": "96000", "num_channels": "1"},
        {"sample_rate": "24000", "num_channels": "3"},
    ],
)
def test_what_cannot_be_played_has_no_form(attributes: dict[str, str]) -> None:
    assert audio_form(attributes) is None


def test_a_report_has_the_position_in_milliseconds_and_whether_it_was_cleared() -> None:
    segment = Segment("bot", 24_000, 1)
    segment.played = 1.23456
    assert json.loads(report(segment)) == {"playback_position": 1.235, "interrupted": False}
    segment.clear()
    assert json.loads(report(segment))["interrupted"] is True
