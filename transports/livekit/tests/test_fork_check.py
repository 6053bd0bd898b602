"""`akool_livekit.fork_check`: the client can't be used after a fork."""

from __future__ import annotations

import subprocess
import sys

import pytest
from akool_livekit import LiveKitTransport, fork_check

from akool_async.errors import JoinError


def test_a_process_that_used_it_itself_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_check, "_used_in", None)
    fork_check.check_process()
    fork_check.check_process()
    LiveKitTransport.preflight({})


def test_a_child_of_one_that_used_it_is_refused_before_it_pays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fork_check, "_used_in", 1)
    with pytest.raises(JoinError, match=r"fork\(\).*spawn") as caught:
        LiveKitTransport.preflight({})
    assert not caught.value.retryable


PROGRAM = """
import os, sys
from akool_livekit import LiveKitTransport
from akool_async.errors import JoinError
LiveKitTransport.preflight({})
if sys.argv[1] == "used":
    from livekit import rtc
    rtc.Room  # importing it uses nothing yet
    from livekit.rtc._ffi_client import FfiClient
    FfiClient.instance
child = os.fork()
if child == 0:
    try:
        LiveKitTransport.preflight({})
    except JoinError as error:
        os._exit(3 if "fork" in str(error) else 4)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.parametrize(("use", "status"), [("unused", "0"), ("used", "3")])
def test_a_fork_of_a_program_that_uses_the_client_by_itself(use: str, status: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, use],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.stdout.strip() == status, run.stderr
