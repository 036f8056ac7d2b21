"""The calls as SDKs send them: the members that mean something here; all others are skipped, never kept.

The form is Segment's HTTP API (``/v1/batch`` and a route per kind of call), which RudderStack's SDKs speak too.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from truenorth.errors import RefusedError

from truenorth_ingest.domain.cures import outside_refusal
from truenorth_ingest.domain.lenient import as_strict_json
from truenorth_ingest.domain.limits import Limits

KINDS: Final = ("track", "identify", "group", "page", "screen", "alias")

Id = str | int | None


class Named(msgspec.Struct, gc=False):
    """The members of ``properties`` and ``traits`` that may name the account; of any type, as people write anything."""

    group: Any = msgspec.field(name="groupId", default=None)
    account: Any = msgspec.field(name="accountId", default=None)
    account_snake: Any = msgspec.field(name="account_id", default=None)
    external: Any = msgspec.field(name="accountExternalId", default=None)


class Context(msgspec.Struct, rename="camel"):
    """The part of a call's ``context`` that says whose it is."""

    group_id: Any = None
    traits: Named | None = None


class Call(msgspec.Struct, rename="camel"):
    """One call. Ids may be numbers; ``traits`` and ``properties`` are read again, whole, only where a rule asks."""

    type: str = ""
    event: str | None = None
    name: str | None = None
    user_id: Id = None
    anonymous_id: Id = None
    group_id: Id = None
    previous_id: Id = None
    message_id: Id = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    context: Context | None = None
    properties: Named | None = None
    traits: Named | None = None


class _Batch(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    sent_at: str | None = None
    write_key: str | None = None
    context: Context | None = None


class _Single(msgspec.Struct, rename="camel"):
    sent_at: str | None = None
    write_key: str | None = None


class Calls(msgspec.Struct):
    """A request's calls, each still raw; ``kind`` is the one of the route, empty where each call says its own.

    ``write_key`` is the key in the body, which is all that some SDKs send; it goes no further than this.
    """

    raws: Sequence[bytes | msgspec.Raw]
    kind: str
    sent_at: str | None
    write_key: str
    context: Context | None = None
    repaired: bool = False


_call = msgspec.json.Decoder(Call)
_whole = msgspec.json.Decoder(dict[str, Any])
_batch = msgspec.json.Decoder(_Batch)
_single = msgspec.json.Decoder(_Single)


def cut_calls(body: bytes, kind: str, limits: Limits) -> Calls:
    """Cut a body into its calls; ``kind`` is empty for a batch.

    Raises:
        RefusedError: ``body_invalid`` or ``batch_too_long``; the whole request is meant.
    """
    try:
        return _cut(body, kind, limits, repaired=False)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise _body_refusal(kind) from None
        strict = as_strict_json(body, what="body_invalid")
        try:
            return _cut(strict, kind, limits, repaired=True)
        except msgspec.MsgspecError:
            raise _body_refusal(kind) from None


def read_call(raw: bytes | msgspec.Raw) -> Call:
    """Read one call.

    Raises:
        RefusedError: ``event_invalid`` with the member that cannot be read.
    """
    try:
        return _call.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise outside_refusal(error) from None


def whole_call(raw: bytes | msgspec.Raw) -> dict[str, Any]:
    """Return all members of one call, for what asks for those that `Call` skips.

    Raises:
        RefusedError: ``event_invalid``: among them is one that cannot be read, such as a number beyond all bounds.
    """
    try:
        return _whole.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise outside_refusal(error) from None


def _cut(body: bytes, kind: str, limits: Limits, *, repaired: bool) -> Calls:
    if kind:
        one = _single.decode(body)
        return Calls([body], kind, one.sent_at, one.write_key or "", repaired=repaired)
    several = _batch.decode(body)
    if len(several.batch) > limits.batch_events_max:
        raise RefusedError(
            "batch_too_long",
            f"{len(several.batch)} calls in one batch; send at most {limits.batch_events_max} at a time",
        )
    return Calls(several.batch, "", several.sent_at, several.write_key or "", several.context, repaired)


def _body_refusal(kind: str) -> RefusedError:
    if kind:
        return RefusedError("body_invalid", f"the body of a {kind} call is a JSON object with userId or anonymousId")
    return RefusedError("body_invalid", 'the body is a JSON object with the calls in "batch": [{...}, {...}]')
