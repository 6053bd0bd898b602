"""TRTC's own; what both vendors do is in `tests/agora_trtc/test_choosing.py`."""

import pytest
from akool_trtc import TRTCTransport

from akool_async.errors import InvalidParameterError, MissingDependencyError


def test_without_an_engine_preflight_says_how_to_pass_one() -> None:
    with pytest.raises(MissingDependencyError, match="engine=") as raised:
        TRTCTransport.preflight({})
    assert "examples/trtc_engine.py" in str(raised.value)
    assert raised.value.install is None


def test_there_is_no_sdk_to_name() -> None:
    with pytest.raises(InvalidParameterError) as raised:
        TRTCTransport.preflight({"engine": "sdk"})
    assert raised.value.field == "engine"
