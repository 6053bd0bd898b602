"""A face drawn by code: the mouth follows the voice, the rest what the session was asked for."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Face", "read_clock"]

#: Y, U, V.
_Colour = tuple[int, int, int]
_SKIN: Final = (185, 112, 150)
_HAIR: Final = (50, 120, 140)
_COAT: Final = (60, 140, 120)
_LIPS: Final = (60, 118, 170)
_WHITE: Final = (230, 128, 128)
_PUPIL: Final = (30, 128, 128)
_NAVY: Final = (45, 160, 115)
#: Letters of 3x5 dots: five rows of three bits.
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!'-"
_ROWS: Final = """
25755 65656 34443 65556 74647 74644 34553 55755 72227 11152 55655 44447 57755 65555
25552 65644 25563 65655 34216 72222 55557 55552 55775 55255 55222 71247 75557 26227
61247 61216 55711 74616 34757 71222 75757 75716 00002 00024 61202 22202 22000 00700
"""
_LETTERS: Final = {
    letter: tuple(map(int, rows)) for letter, rows in zip(_ALPHABET, _ROWS.split(), strict=True)
}
#: Expression -> how far the brows are lifted, how wide and how high the closed mouth is.
_EXPRESSIONS: Final = {
    "happiness": (-6, 36, 4),
    "surprise": (-12, 18, 10),
    "fear": (-10, 22, 6),
    "sadness": (8, 22, 3),
    "angry": (10, 28, 3),
    "disgust": (6, 24, 4),
    "contempt": (2, 20, 2),
}
_CALM: Final = (0, 26, 3)
#: Action -> how far each hand is moved sideways and upwards, the left one and the right one; a
#: hand that isn't named isn't seen.
_HANDS: Final = {
    "hand_wave": {1: (18, 0)},
    "cheer": {-1: (0, 24), 1: (0, 24)},
    "thumbs_up": {1: (0, 6)},
    "pump_fists": {-1: (0, 12), 1: (0, 12)},
    "waft_left": {-1: (30, 0)},
    "waft_right": {1: (30, 0)},
}
#: Seconds for which an action is carried out.
ACTION_TIME: Final = 2.0
#: The clock for programs: so many blocks of 8x8 at the bottom's left, milliseconds in binary.
_BITS: Final = 24
_BLOCK: Final = 8


class Face:
    """Draws the avatar. Used by one thread at a time; what it shows may be set by another.

    Attributes:
        expression: as set-action has it; "": calm.
        caption: what is being said; the end of it where it is too long.
        background: a URL, which decides the colour; "": the usual one.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.expression = ""
        self.caption = ""
        self.background = ""
        self._action = ""
        self._action_begins: float | None = None
        self._still_of: tuple[str, str] | None = None
        self._still = np.empty((height * 3 // 2, width), np.uint8)
        self._canvas = np.empty_like(self._still)

    def act(self, action: str) -> None:
        """Carries an action out from the next picture on, for two seconds."""
        self._action, self._action_begins = action, None

    def draw(self, loudness: float, at: float) -> NDArray[Any]:
        """The picture at `at` seconds as i420, (height * 3 / 2, width); drawn over by the next.

        Args:
            loudness: of the voice, 0 to 1.
            at: seconds on the avatar's clock.
        """
        wanted = (self.background, self.caption)
        if self._still_of != wanted:
            self._draw_still(*wanted)
            self._still_of = wanted
        self._canvas[:] = self._still
        action = self._acting(at)
        side = 8 * math.sin(at * 12) if action == "shake" else 0.0
        down = 8 * math.sin(at * 12) if action == "nod" else 0.0
        self._draw_features(loudness, at, side, down)
        for hand, (across, up) in _HANDS.get(action, {}).items():
            swing = math.sin(at * 12)
            self._ellipse(150 * hand + across * swing, 40 - up * (1 + swing), 22, 28, _SKIN)
        dots = max(1, self.height // 180)
        self._text(f"{at:.2f}", dots * 3, dots * 3, dots)
        self._draw_clock(at)
        return self._canvas

    def _acting(self, at: float) -> str:
        if self._action and self._action_begins is None:
            self._action_begins = at
        if self._action_begins is not None and at - self._action_begins >= ACTION_TIME:
            self._action, self._action_begins = "", None
        return self._action

    def _draw_still(self, background: str, caption: str) -> None:
        number = zlib.crc32(background.encode("utf-8", "replace"))
        colour = (40 + number % 120, 80 + number // 120 % 96, 80 + number // 11520 % 96)
        for plane, value in zip(self._planes(), colour if background else _NAVY, strict=True):
            plane[:] = value
        self._ellipse(0, 205, 130, 90, _COAT)
        self._ellipse(0, -18, 92, 112, _HAIR)
        self._ellipse(0, 0, 82, 105, _SKIN)
        dots = max(1, self.height // 120)
        fitting = caption[-(self.width // (4 * dots)) :]
        left = (self.width - 4 * dots * len(fitting)) // 2
        self._text(fitting.upper(), max(0, left), self.height - 9 * dots, dots)
        self._still[:] = self._canvas

    def _draw_features(self, loudness: float, at: float, side: float, down: float) -> None:
        lift, mouth, closed = _EXPRESSIONS.get(self.expression, _CALM)
        opened = closed + 24 * min(1.0, loudness * 5)
        self._ellipse(side, 45 + down, mouth, opened, _LIPS)
        blinks = at % 3.1 < 0.12
        for eye in (-32, 32):
            self._ellipse(eye + side, down - 18, 13, 1.5 if blinks else 9, _WHITE)
            if not blinks:
                self._ellipse(eye + side, down - 18, 5, 6, _PUPIL)
            self._ellipse(eye + side, down - 36 + lift, 15, 3, _HAIR)

    def _planes(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        size = (self.height // 2, self.width // 2)
        chroma = self._canvas[self.height :].reshape(2, -1)
        return self._canvas[: self.height], chroma[0].reshape(size), chroma[1].reshape(size)

    def _ellipse(self, x: float, y: float, across: float, high: float, colour: _Colour) -> None:
        """In 360ths of the height, from the middle of the face."""
        unit = self.height / 360
        x, y = self.width / 2 + x * unit, self.height * 0.45 + y * unit
        across, high = max(1.0, across * unit), max(1.0, high * unit)
        for plane, value, scale in zip(self._planes(), colour, (1, 2, 2), strict=True):
            left, top = (max(0, int((x - across) / scale)), max(0, int((y - high) / scale)))
            part = plane[top : int((y + high) / scale) + 2, left : int((x + across) / scale) + 2]
            row, column = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
            inside = ((column * scale - x) / across) ** 2 + ((row * scale - y) / high) ** 2 <= 1
            part[inside] = value

    def _text(self, text: str, left: int, top: int, dots: int) -> None:
        luma = self._canvas[: self.height]
        for letter in text:
            for row, bits in enumerate(_LETTERS.get(letter, ())):
                for column in range(3):
                    if bits >> (2 - column) & 1:
                        x, y = left + column * dots, top + row * dots
                        luma[y : y + dots, x : x + dots] = 235
            left += 4 * dots

    def _draw_clock(self, at: float) -> None:
        shown = int(at * 1000) % 2**_BITS
        luma = self._canvas[self.height - _BLOCK : self.height]
        for bit in range(_BITS):
            luma[:, bit * _BLOCK : (bit + 1) * _BLOCK] = 235 if shown >> bit & 1 else 16


def read_clock(luma: NDArray[Any]) -> float:
    """Seconds on the avatar's clock at which a picture was drawn.

    Args:
        luma: its Y plane, (height, width), in the size it was drawn in.
    """
    blocks = luma[-_BLOCK:, : _BITS * _BLOCK].reshape(_BLOCK, _BITS, _BLOCK)
    bits = blocks[1:-1, :, 1:-1].mean(axis=(0, 2)) > 128
    return sum(1 << bit for bit in range(_BITS) if bits[bit]) / 1000
