"""What every definition is made of: the words fields are written in, and the refusal of unknown ones."""

from typing import Annotated

import msgspec
from msgspec import Meta

Ident = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="lower case, digits, - and _")]
Weight = Annotated[float, Meta(gt=0)]
Score = Annotated[float, Meta(ge=0, le=100)]
Days = Annotated[int, Meta(ge=1, le=90)]
Duration = Annotated[str, Meta(pattern=r"^\d+(s|m|h|d|bd)$", description="30s, 15m, 6h, 14d; bd is business days")]


class DefinitionStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Unknown fields are refused: a definition must never silently do nothing."""
