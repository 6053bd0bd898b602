"""`akool_agora.sdk_package`: importing the SDK without what importing it does to the process."""

import logging
import ssl
import threading
import urllib.error
import zipfile

import fake_agora
import pytest
from agora_engine import ROOM, RecordedEvents, joined
from akool_agora.sdk import SDKEngine
from akool_agora.sdk_package import load

from akool_async.errors import MissingDependencyError


async def test_certificates_are_checked_after_the_import(sdk: fake_agora.Sdk) -> None:
    before = ssl._create_default_https_context
    async with joined(RecordedEvents()):
        assert ssl._create_default_https_context is before
    assert before is not ssl._create_unverified_context


def test_certificates_are_checked_after_a_failed_import(sdk: fake_agora.Sdk) -> None:
    before = ssl._create_default_https_context
    sdk.import_error = SystemExit(1)
    with pytest.raises(MissingDependencyError):
        load()
    assert ssl._create_default_https_context is before


async def test_it_is_imported_off_the_event_loop(sdk: fake_agora.Sdk) -> None:
    async with joined(RecordedEvents()):
        assert sdk.imported_on is not None
        assert sdk.imported_on is not threading.current_thread()


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (SystemExit(1), "native library"),
        (urllib.error.URLError("no route"), r"download\.agora\.io .*python -c 'import agora"),
        (TimeoutError(), r"download\.agora\.io"),
        (zipfile.BadZipFile(), r"download\.agora\.io"),
        (ImportError("libfoo"), "libfoo"),
        (AttributeError("undefined symbol"), "undefined symbol"),
    ],
)
async def test_a_failed_import_says_what_cures_it(
    sdk: fake_agora.Sdk, raised: BaseException, words: str
) -> None:
    sdk.import_error = raised
    engine = SDKEngine()
    with pytest.raises(MissingDependencyError, match=words) as error:
        await engine.join(ROOM, RecordedEvents())  # type: ignore[arg-type]
    assert error.value.__cause__ is raised
    await engine.leave()


@pytest.mark.parametrize("module", ["_rtc_connection_observer", "_local_user_observer", "later"])
def test_the_sdk_logs_no_tokens_and_no_packets(sdk: fake_agora.Sdk, module: str) -> None:
    whole = logging.getLogger("agora.rtc")
    whole.setLevel(logging.NOTSET)
    if module != "later":
        # A program may have set the level of one of its loggers.
        logging.getLogger(f"agora.rtc._ctypes_handle.{module}").setLevel(logging.DEBUG)
    load()
    logger = logging.getLogger(f"agora.rtc._ctypes_handle.{module}")
    assert not logger.isEnabledFor(logging.DEBUG)
    assert logger.getEffectiveLevel() == logging.INFO
