"""What a connector is tested with: payloads that were recorded, and the events that they mean.

``tests/<name>.yaml`` beside a file ``<name>.yaml`` of connectors::

    source: https://example.com/docs/webhooks       # where the payloads come from
    cases:
      - name: a ticket is opened
        connector: desk                              # may be left out when the file has one connector
        payload: desk/opened.json                    # a file beside this one, or the payload itself
        headers: {x-delivery: "1"}
        events:
          - {type: ticket.opened, account: a1, data: {ticket_id: "7"}}
      - name: something else is refused
        payload: {event: other}
        refused: webhook_unknown                     # the code, instead of events

Of an event ``type``, ``account``, ``lookups`` and ``data`` are compared as a whole, ``id`` and ``time`` where given.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from truenorth.errors import RefusedError

from truenorth_ingest.domain.told import Told
from truenorth_ingest.domain.webhooks.taking import ConnectorReader

CASES_MAX: Final = 1_000


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One payload and what it means."""

    name: str
    payload: Any
    connector: str = ""
    headers: dict[str, str] = {}
    events: list[dict[str, Any]] = []
    refused: str = ""


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cases of a file of connectors; ``source`` says where the payloads come from."""

    cases: list[Case]
    source: str = ""


def read_suite(plain: object) -> Suite:
    """Return the cases that a parsed YAML file holds.

    Raises:
        RefusedError: ``cases_invalid``, with what is wrong.
    """
    try:
        suite = msgspec.convert(plain, Suite)
    except msgspec.ValidationError as error:
        raise RefusedError("cases_invalid", f"{error}; see docs/guides/sources/webhooks.md") from None
    if len(suite.cases) > CASES_MAX:
        raise RefusedError("cases_invalid", f"{len(suite.cases)} cases; a file has at most {CASES_MAX}")
    return suite


def meant(reader: ConnectorReader, payload: object, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the events that a payload means, as people read and write them; a list is as many webhooks.

    Raises:
        RefusedError: ``webhook_unknown`` or ``webhook_invalid``.
    """
    items = payload if isinstance(payload, list) else [payload]
    lower = {name.lower(): value for name, value in headers.items()}
    return [shown(told) for item in items for told in reader.told(item, lower)]


def shown(told: Told) -> dict[str, Any]:
    """Return an event as people read and write it; what is empty is left out."""
    said = {
        "type": told.type,
        "id": told.id,
        "time": told.time,
        "account": told.account,
        "lookups": list(told.lookups),
        "data": msgspec.to_builtins(told.payload),
    }
    return {name: value for name, value in said.items() if value}


def difference(reader: ConnectorReader, case: Case, payload: object) -> str:
    """Return what is otherwise than a case says; empty when nothing is."""
    try:
        found = meant(reader, payload, case.headers)
    except RefusedError as refusal:
        if case.refused == refusal.code:
            return ""
        where = f" ({refusal.field})" if refusal.field else ""
        return f"refused with {refusal.code}{where}: {refusal.message}"
    if case.refused:
        return f"not refused with {case.refused}; it means {found}"
    if len(found) != len(case.events):
        return f"{len(found)} events where {len(case.events)} were expected: {found}"
    return "; ".join(_differences(found, case.events))


def _differences(found: Sequence[dict[str, Any]], wanted: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"events[{index}].{name} is {event.get(name)!r}, expected {wish.get(name)!r}"
        for index, (event, wish) in enumerate(zip(found, wanted, strict=True))
        for name in ("type", "account", "lookups", "data", *sorted({"id", "time"} & set(wish)))
        if event.get(name) != wish.get(name)
    ]
