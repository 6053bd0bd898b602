"""What the script of a legacy session finds."""

from __future__ import annotations

import pytest
from probing import probed

from akool_async.simulator import ServiceBehavior

pytestmark = pytest.mark.virtual_clock


@pytest.mark.parametrize("base64", [False, True])
async def test_a_legacy_session(base64):
    behavior = ServiceBehavior(payload_base64=base64, reply_mid="other", retelling_paced=base64)
    report = await probed(behavior, legacy=True)
    wanted = {"payload_base64": base64, "reply_mid": "other", "retelling_paced": base64}
    assert report.behavior.items() >= (wanted | {"retelling_text": True}).items()
