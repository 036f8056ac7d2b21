"""An event that waited for its account teaches what it would have taught at once."""

import json

import msgspec
from truenorth.clock import ManualClock
from truenorth.codec import encode_json
from truenorth.events.inputs import AccountUpdated
from truenorth_ingest.domain.holding import Told
from truenorth_ingest.handlers.holding import Holding

from tests.ingest.holding_double import FakeUnit, waiting


async def test_an_account_s_other_ids_are_learned_when_their_event_goes_on() -> None:
    holding, unit = Holding(ManualClock()), FakeUnit()
    says = msgspec.Raw(encode_json(AccountUpdated(external_ids={"hubspot_ticket": "7001"})))
    await holding.take(unit, [waiting(1, "hubspot:5", event_type="account.updated", data=says)])
    await holding.take(unit, [waiting(2, "hubspot:5", event_type="account.updated", data=msgspec.Raw(b"{}"))])
    await holding.learn(unit, [Told("hubspot:5", "acme", True, 2_000, 2_000)])
    await holding.replay(unit)
    assert [(one.topic, one.key) for one in unit.said] == [
        ("accounts", "acme"),
        ("accounts", "acme"),
        ("identities", "hubspot_ticket:7001\nacme"),
    ]
    value = json.loads(unit.said[2].value)
    assert (value["type"], value["subject"], value["data"]) == (
        "identity.learned",
        "acme",
        {"lookup": "hubspot_ticket:7001"},
    )
