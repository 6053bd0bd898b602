"""A face drawn by code."""

from __future__ import annotations

import numpy as np
import pytest

from akool_async.simulator.media.face import ACTION_TIME, Face, read_clock

SIZES = [(640, 360), (1280, 720), (192, 120), (320, 480)]


def mouth_pixels(picture: np.ndarray, width: int, height: int) -> int:
    """How many pixels have the colour of the lips."""
    middle = picture[int(height * 0.5) : int(height * 0.7), width // 3 : width * 2 // 3]
    return int((middle == 60).sum())


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_mouth_opens_with_the_voice(width: int, height: int) -> None:
    face = Face(width, height)
    sizes = [mouth_pixels(face.draw(level, 1.0), width, height) for level in (0, 0.05, 0.2)]
    assert 0 < sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_clock_can_be_read(width: int, height: int) -> None:
    face = Face(width, height)
    for at in (0.0, 1.5, 83.25, 7200.125):
        assert read_clock(face.draw(0.0, at)[:height]) == at


def test_pictures_of_the_same_moment_are_alike() -> None:
    faces = [Face(640, 360), Face(640, 360)]
    faces[1].draw(0.3, 0.5)
    first, second = (face.draw(0.1, 2.0) for face in faces)
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    "expression",
    ["happiness", "surprise", "fear", "sadness", "angry", "disgust", "contempt"],
)
def test_each_expression_looks_different(expression: str) -> None:
    face = Face(640, 360)
    calm = face.draw(0.0, 2.0).copy()
    face.expression = expression
    assert not np.array_equal(face.draw(0.0, 2.0), calm)
    face.expression = ""
    assert np.array_equal(face.draw(0.0, 2.0), calm)


@pytest.mark.parametrize(
    "action",
    ["hand_wave", "cheer", "thumbs_up", "pump_fists", "nod", "shake", "waft_left", "waft_right"],
)
def test_an_action_is_seen_for_a_while(action: str) -> None:
    face = Face(640, 360)
    face.act(action)
    face.draw(0.0, 4.0)
    during = face.draw(0.0, 5.2).copy()
    after = face.draw(0.0, 4.0 + ACTION_TIME).copy()
    calm = Face(640, 360)
    assert not np.array_equal(during, calm.draw(0.0, 5.2))
    assert np.array_equal(after, calm.draw(0.0, 4.0 + ACTION_TIME))


def test_a_background_has_its_own_colour() -> None:
    face = Face(640, 360)
    colours = set()
    for url in ("", "https://x/a.png", "https://x/b.png"):
        face.background = url
        picture = face.draw(0.0, 1.0)
        colours.add((int(picture[180, 20]), int(picture[-60, 5])))
    assert len(colours) == 3


def test_a_caption_is_shown_and_a_long_one_by_its_end() -> None:
    def shown(caption: str) -> np.ndarray:
        face = Face(640, 360)
        face.caption = caption
        return face.draw(0.0, 1.0).copy()

    assert not np.array_equal(shown("HELLO"), shown(""))
    assert np.array_equal(shown("A" * 500 + "END" * 30), shown("B" * 500 + "END" * 30))
    assert np.array_equal(shown("hello"), shown("HELLO"))
