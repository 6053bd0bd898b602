"""Who may call: keys, tokens, and fetching tokens (docs/protocol.md §1 "Authentication")."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from akool_async.simulator import checks
from akool_async.simulator.checks import Refusal
from akool_async.simulator.clock import Clock

__all__ = ["Access"]


class Access:
    """Lets calls in, or refuses them with 1101 or 1102.

    Args:
        clock: the simulator's.
        api_key: the one that is right; the `clientSecret` is the same value. `None`: any key and
            any token will do, unless it was expired.
        client_id: the one that is right; `None`: any.
        token_life: seconds for which a fetched token is good.
    """

    def __init__(
        self, clock: Clock, *, api_key: str | None, client_id: str | None, token_life: float
    ) -> None:
        self._clock = clock
        self._api_key = api_key
        self._client_id = client_id
        self._token_life = token_life
        self._issued: dict[str, float] = {}
        self._seen: set[str] = set()
        self._expired: set[str] = set()
        #: How many tokens were fetched.
        self.tokens_issued = 0

    def issue_token(self) -> str:
        """A new token that is good."""
        token = secrets.token_urlsafe(24)
        self._issued[token] = self._clock.now() + self._token_life
        self.tokens_issued += 1
        return token

    def issue(self, body: Mapping[str, Any]) -> str:
        """Answers getToken.

        Raises:
            Refusal: 1003 for a missing field, 1101 for wrong values.
        """
        client_id = checks.required_text(body, "clientId")
        secret = checks.required_text(body, "clientSecret")
        if (self._client_id is not None and client_id != self._client_id) or (
            self._api_key is not None and secret != self._api_key
        ):
            raise Refusal(1101, "invalid clientId or clientSecret")
        return self.issue_token()

    def expire_tokens(self) -> None:
        """Every token that was issued or used so far is stale from now on."""
        self._expired |= self._seen | set(self._issued)
        self._issued.clear()

    def check(self, headers: Mapping[str, str]) -> None:
        """Lets a call in.

        Raises:
            Refusal: no credentials (1102), or wrong or stale ones (1101).
        """
        authorization = headers.get("Authorization")
        if authorization is not None:
            # Both headers present: the service uses this one.
            self._check_bearer(authorization)
            return
        key = headers.get("x-api-key")
        if not key:
            raise Refusal(1102, "authorization can not be empty")
        if self._api_key is not None and not secrets.compare_digest(
            key.encode(), self._api_key.encode()
        ):
            raise Refusal(1101, "invalid authorization")

    def _check_bearer(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if not authorization.strip():
            raise Refusal(1102, "authorization can not be empty")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(1101, "invalid authorization")
        self._seen.add(token)
        until = self._issued.get(token)
        if token in self._expired or (until is not None and self._clock.now() >= until):
            raise Refusal(1101, "the request token has expired")
        if until is None and self._api_key is not None:
            raise Refusal(1101, "invalid authorization")
