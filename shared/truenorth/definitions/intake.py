"""The definitions of intake: connectors, what SDK calls mean, and which traits are facts."""

from typing import Annotated, Literal

from msgspec import Meta

from truenorth.definitions.base import DefinitionStruct, Duration, Ident

Expression = Annotated[str, Meta(min_length=1, max_length=1000, description="a JMESPath expression")]
External = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="a system that knows accounts, such as stripe")
]


class Signature(DefinitionStruct, frozen=True):
    """How a webhook proves who sent it: an HMAC over ``signed``, compared with every signature that ``header`` has.

    ``signed`` may name ``{body}`` (raw bytes), ``{timestamp}``, ``{id}``, ``{method}`` and ``{url}`` (the public one).
    ``separator`` parts the header's value ("t=1,v1=ab" with ``,``); ``prefix`` stands before each signature in it
    ("sha256=", "v1=", "v1,"). The timestamp is ``timestamp_prefix`` in the same header, or a header of its own.
    ``key_prefix`` is cut off the secret before it is decoded by ``key_encoding``.
    """

    header: str
    signed: str = "{body}"
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    separator: str = ""
    timestamp_header: str = ""
    timestamp_prefix: str = ""
    timestamp_unit: Literal["s", "ms", "iso"] = "s"
    tolerance_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 300
    id_header: str = ""
    key_prefix: str = ""
    key_encoding: Literal["text", "base64"] = "text"


class EventMapping(DefinitionStruct, frozen=True):
    """What one kind of webhook means: ``when`` it is true of the payload, an event of ``type``.

    Expressions are JMESPath over the payload (or over each item that ``each`` finds, with the whole payload as
    ``payload``). The account is ``account``, or whoever ``external_id`` belongs to. ``data`` gives the event's fields.
    An expression of ``data`` that finds nothing leaves its field out. ``when`` and the connector's own expressions are
    over the payload even where there is ``each``. ``ignore`` says that this kind is known and means nothing here; a
    kind that no mapping takes is refused.
    """

    when: Expression
    type: str = ""
    ignore: bool = False
    each: str = ""
    account: str = ""
    external_id: str = ""
    id: str = ""
    time: str = ""
    data: dict[str, str] = {}


class Connector(DefinitionStruct, frozen=True):
    """A system that sends webhooks to ``/v1/webhooks/<id>``, and what they mean.

    ``auth``: ``signature``, ``basic`` (the secret is ``user:password``) or ``token`` (it is the URL's last part).
    ``reads`` names a reader that is built in; ``mapping`` means the ``mappings`` below, of which the first that fits
    is taken; a body that is a list is as many payloads. ``event_id`` (what names a delivery and its repeats) and
    ``time`` hold for every mapping that has none of its own. ``external_ids`` names the
    system whose ids ``external_id`` are; the connector itself when absent. ``silent_after`` is how long nothing may
    come before operations are told.
    """

    id: Ident
    auth: Literal["signature", "basic", "token"] = "signature"
    signature: Signature | None = None
    reads: Literal["mapping", "stripe", "zendesk", "hubspot", "typeform"] = "mapping"
    external_ids: External | None = None
    event_id: str = ""
    time: str = ""
    silent_after: Duration | None = None
    mappings: Annotated[list[EventMapping], Meta(max_length=100)] = []


class TrackRule(DefinitionStruct, frozen=True):
    """What a call that an SDK makes means. ``event`` is the call's event (a page's or screen's name), or ends in ``*``.

    The first rule that fits is taken; a call that none fits is usage of a feature of its own name. ``feature`` and
    ``module`` are words, or ``=`` and an expression over the call; so are the fields in ``data`` for another ``type``.
    """

    event: Annotated[str, Meta(min_length=1, max_length=200)]
    call: Literal["track", "page", "screen"] = "track"
    ignore: bool = False
    type: str = "usage.recorded"
    feature: str = ""
    module: str = ""
    count: str = ""
    data: dict[str, str] = {}


class Trait(DefinitionStruct, frozen=True):
    """A trait that ``group`` calls have, and the fact it is (a field of ``account.updated``); ``times`` scales numbers.

    Traits that are named nowhere are dropped: what is not allowed in does not come in.
    """

    trait: Annotated[str, Meta(min_length=1, max_length=128)]
    fact: Annotated[str, Meta(min_length=1, max_length=64)]
    times: float = 1.0
