import errno
import json

import pytest

from akool_async import errors
from akool_async.cli.failures import explain, report, report_usage, status_of
from akool_async.cli.terminal import OutputError


def left_open(cause):
    error = errors.SessionLeftOpenError("open", session_ids=("s1",))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.AkoolError("any"), 1),
        (errors.APIConnectionError("down"), 1),
        (errors.ConfigurationError("no key"), 2),
        (errors.MissingDependencyError("no livekit"), 2),
        (errors.InvalidParameterError("name", "is empty"), 2),
        (errors.AuthenticationError(1101, "bad key"), 3),
        (errors.PermissionDeniedError(1009, "no"), 3),
        (errors.NotFoundError(1008, "gone"), 4),
        (errors.QuotaError(1104, "empty"), 5),
        (errors.BusyError(1215, "busy"), 6),
        (errors.RateLimitError(1005, "slower"), 6),
        (errors.ProcessingError(1218, "bad video"), 1),
        (left_open(None), 1),
        (left_open(errors.PermissionDeniedError(1009, "no")), 3),
        (OutputError(errno.ENOSPC, "can't write"), 1),
    ],
)
def test_the_exit_status(error, status):
    assert status_of(error) == status


def test_what_may_be_tried_again_says_so():
    assert explain(errors.BusyError(1999, "busy")) == "1999: busy (trying again later may help)"
    assert explain(errors.NotFoundError(1008, "gone")) == "1008: gone"
    assert explain(OSError()) == "OSError"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            errors.NotFoundError(1008, "gone"),
            {"code": 1008, "message": "1008: gone", "retryable": False, "status": 4},
        ),
        (
            errors.InvalidParameterError("name", "is empty"),
            {
                "code": "InvalidParameterError",
                "message": "name: is empty",
                "retryable": False,
                "field": "name",
                "status": 2,
            },
        ),
        (
            left_open(None),
            {
                "code": "SessionLeftOpenError",
                "message": "open",
                "retryable": True,
                "session_ids": ["s1"],
                "status": 1,
            },
        ),
        (
            OutputError(errno.ENOSPC, "can't write"),
            {"code": "OutputError", "message": "can't write", "retryable": False, "status": 1},
        ),
    ],
)
def test_errors_as_json(capfd, error, expected):
    assert report(error, as_json=True) == expected["status"]
    captured = capfd.readouterr()
    assert json.loads(captured.err) == {"error": expected}
    assert captured.out == ""


def test_notes_say_what_to_do(capfd):
    error = errors.NotFoundError(1008, "gone")
    error.add_note("To list those that there are: akool avatars list")
    report(error)
    assert "gone To list those" in capfd.readouterr().err
    report(error, as_json=True)
    assert "gone To list those" in json.loads(capfd.readouterr().err)["error"]["message"]


def test_what_one_of_several_errors_is_about(capfd):
    report(errors.NotFoundError(1008, "gone"), about="s1")
    assert capfd.readouterr().err == "akool: s1: 1008: gone\n"
    report(errors.NotFoundError(1008, "gone"), as_json=True, about="s1")
    assert json.loads(capfd.readouterr().err)["error"]["about"] == "s1"


def test_wrong_use_as_json(capfd):
    assert report_usage("No such option: --x") == 2
    error = json.loads(capfd.readouterr().err)["error"]
    assert error["code"] == "usage"
    assert error["message"] == "No such option: --x"
