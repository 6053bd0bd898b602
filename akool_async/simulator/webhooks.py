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

__all__ = ["WebhookSender", "sealed"]

#: Bits of a block of AES, which the padding fills.
_AES_BLOCK: Final = 128
#: Seconds for one try, and between two.
_TIMEOUT: Final = 5.0
_PAUSE: Final = 1.0


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


class WebhookSender:
    """Sends events to one URL, again until it answers 200.

    Args:
        url: where to.
        client_id, client_secret: the account's.
        clock: the simulator's.
        tries: how often at most.
    """

    def __init__(
        self, url: str, *, client_id: str, client_secret: str, clock: Clock, tries: int = 5
    ) -> None:
        self._url = url
        self._id = client_id
        self._secret = client_secret
        self._clock = clock
        self._tries = tries

    async def send(self, event: Mapping[str, Any]) -> int | None:
        """Sends one event.

        Returns:
            The last answer's HTTP status; `None` where there was no answer.
        """
        status = None
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT), trust_env=False
        ) as session:
            for number in range(self._tries):
                if number:
                    await self._clock.sleep(_PAUSE)
                body = sealed(
                    event,
                    client_id=self._id,
                    client_secret=self._secret,
                    timestamp=int(self._clock.unix() * 1000),
                    nonce=secrets.token_hex(8),
                )
                try:
                    async with session.post(self._url, json=body) as response:
                        status = response.status
                except (aiohttp.ClientError, TimeoutError, OSError):
                    status = None
                if status == 200:
                    break
        return status
