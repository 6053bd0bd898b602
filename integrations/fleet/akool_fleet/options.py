"""What a fleet is set up with, checked before anything is connected."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from redis.asyncio import ConnectionPool

from akool_async.errors import InvalidParameterError

__all__ = ["Account", "Drain", "FleetOptions"]

Account = Literal["exclusive", "shared"]
Drain = Literal["finish", "hand_over"]

_URL = r"^(redis|rediss|unix)://"
_NAME = r"^[^\s:{}]+$"


class FleetOptions(BaseModel):
    """See `Fleet`. All times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, Field(pattern=_URL, repr=False)]
    name: Annotated[str, Field(pattern=_NAME, max_length=100)]
    limit: Annotated[int, Field(ge=1, le=1_000_000)]
    max_session: Annotated[int, Field(ge=1, le=3600)]
    account: Account
    lease: Annotated[float, Field(ge=1, le=3600)]
    create_time: Annotated[float, Field(ge=1, le=3600)]
    sweep_every: Annotated[float, Field(ge=0.5, le=3600)]
    sessions_per_process: Annotated[int, Field(ge=1, le=1000)]
    joins_at_once: Annotated[int, Field(ge=1, le=1000)]
    drain_timeout: Annotated[float, Field(ge=0, le=86_400)]
    keep: Annotated[float, Field(ge=1, le=366 * 86_400)]
    credits_per_hour: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        try:
            pool: Any = ConnectionPool.from_url(url)
            pool.make_connection()  # which connects to nothing yet
        except (ValueError, TypeError):
            # From None: the cause quotes parts of the address.
            raise ValueError("isn't an address") from None
        return url

    @classmethod
    def checked(cls, **values: Any) -> FleetOptions:
        """Checks every value.

        Raises:
            InvalidParameterError: names the one that is wrong; a URL, which may hold a password, is
                not quoted.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            hint = {
                "url": "must be a Redis URL: redis://, rediss:// or unix://, as"
                " redis://:PASSWORD@HOST:6379/0 (in a password, # is %23 and / is %2F)",
                "name": "must be a text without spaces, colons and braces",
            }
            raise InvalidParameterError(field, hint.get(field, first["msg"])) from None
