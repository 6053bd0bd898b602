"""Where the command finds its credentials and the service's address.

Options come first, then this project's variables, then the vendor's: `AKOOL_API_HOST` and the file
`~/.akool/config.json`, which its own command line writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from akool_async.auth import API_KEY_VARIABLE, CLIENT_ID_VARIABLE, CLIENT_SECRET_VARIABLE
from akool_async.client import BASE_URL_VARIABLE, AkoolClient
from akool_async.errors import ConfigurationError
from akool_async.models.addresses import hostname, is_loopback

__all__ = ["CONFIG_FILE", "client", "source"]

#: Relative to the user's home.
CONFIG_FILE: Final = Path(".akool", "config.json")
_HOST_VARIABLE: Final = "AKOOL_API_HOST"
_CREDENTIALS: Final = (API_KEY_VARIABLE, CLIENT_ID_VARIABLE, CLIENT_SECRET_VARIABLE)
#: Bytes; the file holds a handful of strings.
_LARGEST: Final = 65_536
# The spellings that the file may have, of which no document says one.
_KEY: Final = ("api_key", "apiKey", API_KEY_VARIABLE)
_ID: Final = ("client_id", "clientId", CLIENT_ID_VARIABLE)
_SECRET: Final = ("client_secret", "clientSecret", CLIENT_SECRET_VARIABLE)
_HOST: Final = ("api_host", "apiHost", "AKOOL_API_HOST")


def client(url: str | None, **options: Any) -> AkoolClient:
    """A client of the service that the options, the environment or the vendor's file name.

    `options` are further ones of `AkoolClient`.

    The file's credentials are used only where the environment has none at all, and its host only
    with them: a key is never sent to a host that belongs to another one.

    Raises:
        ConfigurationError: no credentials; the file can't be read; or as `AkoolClient`.
    """
    origin = f"--url or {BASE_URL_VARIABLE}"
    host = (url or "").strip() or _variable(BASE_URL_VARIABLE)
    if host is None:
        origin, host = _HOST_VARIABLE, _address(_variable(_HOST_VARIABLE))
    if any(map(_variable, _CREDENTIALS)):
        return _made(origin, base_url=host, **options)
    found = _config()
    key, pair = _first(found, _KEY), (_first(found, _ID), _first(found, _SECRET))
    if key is None and None in pair:
        if found:
            raise ConfigurationError(
                f"No credentials: ~/{CONFIG_FILE} has neither api_key nor both of client_id and "
                f"client_secret, as texts. Correct it, or set {API_KEY_VARIABLE}."
            )
        return _made(origin, base_url=host, **options)  # says which variables to set
    if host is None:
        origin, host = f"api_host in ~/{CONFIG_FILE}", _address(_first(found, _HOST))
    if key is not None:
        return _made(origin, api_key=key, base_url=host, **options)
    return _made(origin, client_id=pair[0], client_secret=pair[1], base_url=host, **options)


def _made(origin: str, **options: Any) -> AkoolClient:
    """A client; what is wrong about its address is said of `origin`, where a person gave it."""
    try:
        return AkoolClient(**options)
    except ConfigurationError as error:
        text = str(error)
        if not text.startswith("base_url "):
            raise
        raise ConfigurationError(f"{origin}: {text}") from None


def source() -> str:
    """Where `client` found credentials, for people."""
    if _variable(API_KEY_VARIABLE):
        return API_KEY_VARIABLE
    if any(map(_variable, _CREDENTIALS)):
        return f"{CLIENT_ID_VARIABLE} and {CLIENT_SECRET_VARIABLE}"
    return f"~/{CONFIG_FILE}"


def _variable(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _address(host: str | None) -> str | None:
    """A base URL of what may be a host's name alone, perhaps with a port."""
    if host is None or "://" in host:
        return host
    # On this machine it is a simulator.
    return f"http://{host}" if is_loopback(hostname(f"//{host}")) else f"https://{host}"


def _config() -> Mapping[str, Any]:
    try:
        path = Path.home() / CONFIG_FILE
        with path.open("rb") as file:
            data = file.read(_LARGEST)
    except (FileNotFoundError, NotADirectoryError, RuntimeError):  # the last: there is no home
        return {}
    except OSError as error:
        raise ConfigurationError(
            f"~/{CONFIG_FILE} can't be read: {error.strerror}. Make it readable, or set "
            f"{API_KEY_VARIABLE}."
        ) from None
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        # Not chained: the error would quote the file, and so a key.
        raise ConfigurationError(
            f"~/{CONFIG_FILE} isn't a JSON object. Correct it, remove it, or set "
            f"{API_KEY_VARIABLE}."
        )
    return config


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None
