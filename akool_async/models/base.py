"""Reading what the service really sends (docs/protocol.md §1 "Envelope").

Unknown fields are kept and ignored, numbers may come as strings and ids as numbers, an optional
field may be missing, null or of an undocumented type: that never fails an answer.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationError

from akool_async.models.addresses import without_password

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["Answer", "Many", "read_many"]

T = TypeVar("T")


def _none_is_empty(value: object) -> object:
    return () if value is None else value


#: A list in an answer; null reads as an empty one.
Many = Annotated[tuple[T, ...], BeforeValidator(_none_is_empty)]


class Answer(BaseModel):
    """Base of what REST answers. Immutable; unknown fields are in `model_extra`."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        populate_by_name=True,
        coerce_numbers_to_str=True,
        # An error's text, and so a log, would otherwise hold the tokens of an answer.
        hide_input_in_errors=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        # Most programs use a few of the models: each is built when it is first read.
        defer_build=True,
    )

    @classmethod
    def read(cls, raw: object) -> Self:
        """Reads one object of an answer, or a dictionary that `to_dict` gave.

        Raises:
            ValueError: it isn't an object, or lacks what can't be missing.
        """
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            if not isinstance(raw, Mapping):
                raise
            # Fields of an unexpected type are left out, as if they weren't there.
            wrong = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
            names = {name: field.alias or name for name, field in cls.model_fields.items()}
            aliases = {names.get(name, name) for name in wrong} | wrong
            kept = {key: value for key, value in raw.items() if key not in aliases}
            if len(kept) == len(raw):
                raise
            return cls.model_validate(kept)

    #: Whether unknown fields may hold secrets, so that they are only given with them.
    guards_unknown: ClassVar[bool] = False

    def to_dict(self, *, include_secrets: bool = False) -> dict[str, Any]:
        """As the service writes it, ready for JSON.

        Without `include_secrets`, secrets are left out, and whatever could give one away.
        """
        out: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            hidden = isinstance(value, SecretStr) or not field.repr
            if value is not None and (include_secrets or not hidden):
                out[field.alias or name] = _plain(value, include_secrets)
        if include_secrets or not self.guards_unknown:
            out.update(self.model_extra or {})
        return out

    def __repr_args__(self) -> Any:
        """Known fields that have a value: what is unknown might be secret."""
        for name, value in super().__repr_args__():
            if name in type(self).model_fields and value is not None and value != ():
                yield name, without_password(value) if isinstance(value, str) else value


def _plain(value: Any, include_secrets: bool) -> Any:
    if isinstance(value, Answer):
        return value.to_dict(include_secrets=include_secrets)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, (list, tuple)):
        return [_plain(item, include_secrets) for item in value]
    if isinstance(value, str) and not include_secrets:
        return without_password(value)
    return value


A = TypeVar("A", bound=Answer)


def read_many(kind: type[A], raw: object) -> list[A]:
    """Reads a list of objects.

    Raises:
        ValueError: it isn't a list, or an item isn't an object.
    """
    if raw is None:
        return []
    if raw and isinstance(raw, list) and isinstance(raw[0], kind):
        return raw  # a whole page was read at once
    if not isinstance(raw, list):
        raise ValueError(f"{type(raw).__name__} where a list was expected")  # noqa: TRY004 - as pydantic
    try:
        return _list_of(kind).validate_python(raw)
    except ValidationError:
        # One item has an odd field: each for itself, so that only that field is left out.
        return [kind.read(item) for item in raw]


@functools.cache
def _list_of(kind: type[A]) -> TypeAdapter[list[A]]:
    """A whole page in one call into pydantic's core is a quarter faster."""
    from pydantic import TypeAdapter  # on use: it takes as long to import as all of our models

    return TypeAdapter(list[kind])  # type: ignore[valid-type]  # a type made at run time
