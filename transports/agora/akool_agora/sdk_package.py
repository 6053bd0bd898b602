"""Importing `agora-python-server-sdk` without what importing it does to the process.

Written against version 2.4.10. Its facts, each with its cure here:

- Importing it sets `ssl._create_default_https_context` to the unverified one, which turns off
  certificate checks for every `urllib` in the process: put back at once.
- Importing it downloads native code when that isn't there yet, which takes minutes and fails with
  `URLError` where the network or a proxy says no; a native library that doesn't load ends in
  `sys.exit(1)`. `SystemExit` would pass by every `except Exception` and end the program: both
  become `MissingDependencyError` with the cure.
- For both reasons it is imported on first use and off the event loop: `load` blocks, call it in a
  thread.
- It logs tokens and packets at DEBUG, in the modules of `agora.rtc._ctypes_handle` and beside them:
  nothing of `agora.rtc` logs below INFO.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import platform
import ssl
import sys
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from akool_async.errors import MissingDependencyError

__all__ = ["INSTALL", "SDK", "load", "require"]

INSTALL: Final = 'pip install "akool-async-agora[sdk]"'
_MACHINES: Final = frozenset({"x86_64", "amd64", "arm64", "aarch64"})
_SECRETIVE: Final = "agora.rtc"

_importing = threading.Lock()


@dataclass(frozen=True, slots=True)
class SDK:
    """The modules of the SDK that the engine uses."""

    base: Any
    service: Any
    connection_observer: Any
    local_user_observer: Any
    audio_frame_observer: Any


def require() -> None:
    """Whether the SDK is installed, without importing it.

    Raises:
        MissingDependencyError: it isn't, or doesn't exist for this platform.
    """
    if sys.platform not in ("linux", "darwin") or platform.machine().lower() not in _MACHINES:
        raise MissingDependencyError(
            f"Agora's Python SDK doesn't exist for {platform.system()} on {platform.machine()}, "
            "only for Linux and macOS on x86-64 and ARM64. Use stream_type='livekit', or an engine "
            "of your own (engine=)."
        )
    # Not find_spec("agora.rtc"): that would import `agora`, and download.
    spec = importlib.util.find_spec("agora")
    places = spec.submodule_search_locations if spec is not None else None
    if not any((Path(place) / "rtc" / "__init__.py").is_file() for place in places or ()):
        raise MissingDependencyError(
            "An Agora room needs Agora's Python SDK, or an engine of your own (engine=).",
            install=INSTALL,
        )


def load() -> SDK:
    """Imports the SDK. Blocks, for minutes where it has to download its native code.

    Raises:
        MissingDependencyError: not installed, not for this platform, or its native part can't be
            had or loaded.
    """
    require()
    with _importing:
        verified = ssl._create_default_https_context  # noqa: SLF001 - what the SDK overwrites
        try:
            return SDK(
                base=importlib.import_module("agora.rtc.agora_base"),
                service=importlib.import_module("agora.rtc.agora_service"),
                connection_observer=importlib.import_module("agora.rtc.rtc_connection_observer"),
                local_user_observer=importlib.import_module("agora.rtc.local_user_observer"),
                audio_frame_observer=importlib.import_module("agora.rtc.audio_frame_observer"),
            )
        except SystemExit as error:
            raise MissingDependencyError(
                "Agora's Python SDK can't load its native library on this machine; its log says "
                "which file. Reinstall it, or use stream_type='livekit'."
            ) from error
        except (OSError, zipfile.BadZipFile) as error:  # URLError is an OSError
            raise MissingDependencyError(
                "Agora's Python SDK downloads its native code from download.agora.io when it is "
                f"first imported, and couldn't ({type(error).__name__}). Import it once where that "
                "host can be reached: python -c 'import agora.rtc.agora_service'"
            ) from error
        except (ImportError, AttributeError) as error:  # AttributeError: a symbol that isn't there
            raise MissingDependencyError(
                f"Agora's Python SDK can't be imported ({type(error).__name__}: {error}).",
                install=INSTALL,
            ) from error
        finally:
            ssl._create_default_https_context = verified  # noqa: SLF001
            _silence_debug()


def _silence_debug() -> None:
    """Keeps payloads and tokens out of the log, whatever levels a program has set.

    Each module has a logger of its own, and a logger with its own level ignores its parent's; so
    every one that exists gets the level, and those made later inherit it.
    """
    names = [_SECRETIVE, *logging.Logger.manager.loggerDict]
    for name in names:
        if name == _SECRETIVE or name.startswith(f"{_SECRETIVE}."):
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.INFO))
