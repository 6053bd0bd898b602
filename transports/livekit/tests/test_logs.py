"""`akool_livekit.logs`: no tokens in the client's own log."""

from __future__ import annotations

import logging

import pytest
from akool_livekit.logs import hide_tokens, without_tokens

from akool_async.simulator.rooms.livekit.tokens import Grants, mint

TOKEN = mint(Grants("me", "room"), lifetime=60)


def test_a_token_in_the_clients_words_is_hidden(caplog: pytest.LogCaptureFixture) -> None:
    hide_tokens()
    hide_tokens()
    with caplog.at_level(logging.DEBUG, "livekit"):
        logging.getLogger("livekit").warning("%s - refused: %s, expired", "engine", TOKEN)
    (record,) = caplog.records
    assert record.getMessage() == "engine - refused: <token>, expired"


def test_what_holds_none_is_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    hide_tokens()
    with caplog.at_level(logging.DEBUG, "livekit"):
        logging.getLogger("livekit").warning("room %d", 1)
    assert caplog.records[0].args == (1,)


def test_every_token_of_a_text() -> None:
    assert without_tokens(f"{TOKEN} and {TOKEN}") == "<token> and <token>"
    assert without_tokens("eyJ is no token, nor is a.b.c") == "eyJ is no token, nor is a.b.c"
