"""Reading the service's webhooks: verified, decrypted, no older than allowed (docs/protocol.md §1).

    event = webhooks.open(await request.read(), client_id=…, client_secret=…)
    if event.ready:
        ...

The service sends one when the status of an avatar's upload or of a voice's cloning changes, and
repeats it until it is answered with HTTP 200: so an event may come twice. Nothing here does I/O;
decrypting needs `cryptography` (extra `webhooks`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from akool_async.errors import InvalidParameterError, MissingDependencyError, WebhookError
from akool_async.stream.surrogates import replace_surrogates
from akool_async.stream.tolerant_json import read_texts

__all__ = ["WebhookEvent", "open", "signature"]

#: Bytes of an AES-192 key and of its initialisation vector.
_SECRET_BYTES: Final = 24
_ID_BYTES: Final = 16
#: Bits of a block of AES, which the padding fills.
_AES_BLOCK: Final = 128
#: A webhook has a few hundred bytes.
_LARGEST: Final = 2**20
#: Timestamps beyond are milliseconds (in seconds, this is the year 5138).
_MILLISECONDS: Final = 100_000_000_000
_FIELDS: Final = ("signature", "dataEncrypt", "timestamp", "nonce")


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What a webhook reports.

    Attributes:
        id: the record's `_id`, as in the answer of the call that began it.
        status: 2 processing, 3 ready, 4 failed.
        type: what the record is of, as the service names it; `None` where it doesn't.
        url: of the result, where there is one. May hold a signature, so it isn't shown in a repr.
        timestamp: seconds since 1970, when the service sent it.
        nonce: differs from webhook to webhook.
        data: all fields that were decrypted.
    """

    id: str
    status: int | None
    type: str | None
    url: str | None = field(repr=False)
    timestamp: float
    nonce: str
    data: Mapping[str, Any] = field(repr=False)

    @property
    def ready(self) -> bool:
        """Whether the avatar or voice can be used now."""
        return self.status == 3

    @property
    def failed(self) -> bool:
        """Whether processing failed."""
        return self.status == 4


def open(  # noqa: A001 - used as `webhooks.open`
    body: bytes | str | Mapping[str, Any],
    *,
    client_id: str,
    client_secret: str,
    max_age: float | None = 300.0,
    now: float | None = None,
) -> WebhookEvent:
    """Verifies and decrypts a webhook.

    Args:
        body: of the HTTP request, as it came; or its JSON as a mapping.
        client_id: the account's; 16 characters.
        client_secret: the account's, which is its API key, too; 24 characters.
        max_age: seconds by which the webhook's time may differ from `now`, so that one which was
            recorded can't be used again later. `None`: any time.
        now: seconds since 1970; by default the machine's clock.

    Raises:
        WebhookError: the signature is wrong, it is too old, or can't be read; `reason` says which.
            Answer HTTP 400 or so.
        InvalidParameterError: `client_id`, `client_secret` or `max_age` can't be right.
        MissingDependencyError: `cryptography` isn't installed; the text has the command.
    """
    secret = _of_length("client_secret", client_secret, _SECRET_BYTES)
    vector = _of_length("client_id", client_id, _ID_BYTES)
    if max_age is not None and not (
        isinstance(max_age, (int, float)) and not isinstance(max_age, bool) and max_age > 0
    ):
        raise InvalidParameterError("max_age", "isn't a number of seconds above 0, or None")
    given = _fields(body)
    right = signature(client_id, given["timestamp"], given["nonce"], given["dataEncrypt"])
    # In constant time, and before anything else is read.
    if not hmac.compare_digest(right.encode(), given["signature"].strip().lower().encode()):
        raise WebhookError(
            "the signature is wrong: the webhook isn't of this account, or was changed on its way",
            reason="signature",
        )
    sent = _seconds(given["timestamp"])
    if max_age is not None:
        age = (time.time() if now is None else now) - sent
        if abs(age) > max_age:
            raise WebhookError(
                f"it was sent {age:.0f} s ago, at most {max_age:g} s are allowed"
                if age > 0
                else f"its time is {-age:.0f} s in the future: check this machine's clock",
                reason="expired",
            )
    data = _decrypted(given["dataEncrypt"], secret, vector)
    record_id = _text(data.get("_id"))
    if record_id is None:
        raise WebhookError("the data holds no _id", reason="malformed")
    return WebhookEvent(
        id=record_id,
        status=_whole(data.get("status")),
        type=_text(data.get("type")),
        url=_text(data.get("url")),
        timestamp=sent,
        nonce=given["nonce"],
        data=data,
    )


def signature(client_id: str, timestamp: str, nonce: str, data_encrypt: str) -> str:
    """The signature that the service gives a webhook: SHA-1 of the four, sorted and joined."""
    joined = "".join(sorted((client_id, timestamp, nonce, data_encrypt)))
    return hashlib.sha1(joined.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _of_length(name: str, value: object, length: int) -> bytes:
    if not isinstance(value, str):
        raise InvalidParameterError(name, f"{type(value).__name__} isn't a string")
    encoded = value.strip().encode("utf-8", "replace")
    if len(encoded) != length:
        raise InvalidParameterError(
            name, f"has {len(encoded)} bytes, the service's have {length}: check what was set"
        )
    return encoded


def _fields(body: object) -> dict[str, str]:
    """The four fields as the text that was signed: numbers just as they were written."""
    if isinstance(body, (bytes, bytearray, memoryview, str)):
        if len(body) > _LARGEST:
            raise WebhookError(f"it is larger than {_LARGEST} bytes", reason="malformed")
        body = _json(body if isinstance(body, str) else bytes(body), as_written=True)
    if not isinstance(body, Mapping):
        raise WebhookError("it isn't a JSON object", reason="malformed")
    given: dict[str, str] = {}
    for name in _FIELDS:
        value = _text(body.get(name))
        if value is None:
            raise WebhookError(f"{name} is missing, or is no text or number", reason="malformed")
        given[name] = value
    return given


def _json(text: bytes | str, *, as_written: bool = False) -> Any:
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        if as_written:
            return read_texts(json.loads(text, parse_int=str, parse_float=str))
        return read_texts(json.loads(text))
    except (ValueError, RecursionError):
        problem = "it isn't JSON"
    # Not chained: the cause would hold all of the text.
    raise WebhookError(problem, reason="malformed")


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return replace_surrogates(str(value)) or None


def _whole(value: object) -> int | None:
    try:
        return None if isinstance(value, bool) else int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return None


def _seconds(timestamp: str) -> float:
    try:
        value = float(timestamp)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise WebhookError("its timestamp isn't a number", reason="malformed")
    return value / 1000 if value >= _MILLISECONDS else value


def _decrypted(data: str, secret: bytes, vector: bytes) -> Mapping[str, Any]:
    try:
        from cryptography.hazmat.primitives import padding
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise MissingDependencyError(
            "Webhooks are decrypted with cryptography.",
            install='pip install "akool-async[webhooks]"',
        ) from error
    try:
        sealed = base64.b64decode(data, validate=True)
        decryptor = Cipher(algorithms.AES(secret), modes.CBC(vector)).decryptor()
        unpadder = padding.PKCS7(_AES_BLOCK).unpadder()
        padded = decryptor.update(sealed) + decryptor.finalize()
        plain = unpadder.update(padded) + unpadder.finalize()
    except (ValueError, binascii.Error):
        raise WebhookError(
            "the data can't be decrypted: is client_secret this account's?", reason="malformed"
        ) from None
    read = _json(plain)
    if not isinstance(read, Mapping):
        raise WebhookError("the data isn't a JSON object", reason="malformed")
    return read
