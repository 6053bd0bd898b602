"""Sending webhooks as the service does (docs/protocol.md §1 "Webhooks")."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from akool_async.errors import MissingDependencyError
from akool_async.simulator.clock import Clock
from akool_async.webhooks import signature

__all__ = ["sealed", "send_webhook"]

#: Bits of a block of AES, which the padding fills.
_AES_BLOCK: Final = 128
#: Seconds for one try, and between two.
_TIMEOUT: Final = 5.0
_PAUSE: Final = 1.0
#: How often one event is sent at most.
_TRIES: Final = 5


def sealed(
    event: Mapping[str, Any],
    *,
    client_id: str,
    client_secret: str,
    timestamp: int | str,
    nonce: int | str,
) -> dict[str, Any]:
    """The body of a webhook: the event encrypted, and signed.

    Args:
        event: what it reports: `_id`, `status`, `type`, `url`.
        client_id: the account's, 16 characters.
        client_secret: the account's, 24 characters.
        timestamp: seconds or milliseconds since 1970; sent as it is, a number or a string.
        nonce: sent as it is, too.
    """
    try:
        from cryptography.hazmat.primitives import padding
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise MissingDependencyError(
            "Webhooks are encrypted with cryptography.",
            install='pip install "akool-async[webhooks]"',
        ) from error
    padder = padding.PKCS7(_AES_BLOCK).padder()
    padded = padder.update(json.dumps(dict(event)).encode()) + padder.finalize()
    cipher = Cipher(algorithms.AES(client_secret.encode()), modes.CBC(client_id.encode()))
    encryptor = cipher.encryptor()
    data = base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
    return {
        "signature": signature(client_id, str(timestamp), str(nonce), data),
        "dataEncrypt": data,
        "timestamp": timestamp,
        "nonce": nonce,
    }


async def send_webhook(
    url: str,
    event: Mapping[str, Any],
    *,
    client_id: str,
    client_secret: str,
    clock: Clock,
) -> int | None:
    """Sends one event, again until it is answered with 200 (`Simulator.send_webhook`)."""
    status = None
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT), trust_env=False
    ) as session:
        for number in range(_TRIES):
            if number:
                await clock.sleep(_PAUSE)
            body = sealed(
                event,
                client_id=client_id,
                client_secret=client_secret,
                timestamp=int(clock.unix() * 1000),
                nonce=secrets.token_hex(8),
            )
            try:
                async with session.post(url, json=body) as response:
                    status = response.status
            except (aiohttp.ClientError, TimeoutError, OSError):
                status = None
            if status == 200:
                break
    return status
