"""What the edge refuses and what waits for its account is on the intake page, on real parts."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from msgspec import Raw
from truenorth import ids
from truenorth.clock import SystemClock
from truenorth.codec import encode, encode_json, rfc3339
from truenorth.events.identity import EventHeld, IdentityLearned
from truenorth.events.people import ErasureRequested
from truenorth.quarantine import QuarantinedEvent
from truenorth_local.stack import LocalStack

from tests.console.bench import Console, eventually, running

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
Reason = Literal["unknown", "ambiguous", "unavailable"]


@pytest.fixture(scope="module")
async def console(stack: LocalStack) -> AsyncIterator[Console]:
    async with running(stack) as one:
        yield one


async def refuse(console: Console, code: str, *originals: str, message: str = "Expected `int` >= 1") -> None:
    for original in originals:
        said = QuarantinedEvent(
            code, "data.count", message, "events", "k1", rfc3339(CLOCK.now_ms()), original, len(original)
        )
        await console.repeat("quarantine", code, encode_json(said))


async def hold(console: Console, *lookups: str, events: int = 1, reason: Reason = "unknown") -> None:
    at, data = rfc3339(CLOCK.now_ms()), Raw(b'{"text":"\\u0000"}')
    for _ in range(events):
        said = EventHeld(reason, list(lookups), "invoice.paid", ids.random_id(), "stripe", at, at, data)
        value = encode(said, event_id=ids.random_id(), source="edge", account=lookups[0], time_ms=CLOCK.now_ms())
        await console.repeat("unresolved", lookups[0], value)


async def learn(console: Console, lookup: str, account: str) -> None:
    said = IdentityLearned(lookup)
    value = encode(said, event_id=ids.random_id(), source="edge", account=account, time_ms=CLOCK.now_ms())
    await console.repeat("identities", f"{lookup}\n{account}", value)


async def page(console: Console, address: str = "/intake") -> str:
    async with console.person() as client:
        return (await client.get(address)).text


async def shows(console: Console, *texts: str) -> str:
    async def look() -> str:
        found = await page(console)
        return found if all(text in found for text in texts) else ""

    found: str = await eventually(look)
    return found


def new_name(prefix: str) -> str:
    return f"{prefix}{ids.random_id()[:8]}"


async def test_an_empty_intake_says_so(stack: LocalStack) -> None:
    async with running(stack) as own:
        text = await page(own)
        assert "Nothing was refused in the last 30 days." in text or "What would be right" in text
        assert (await page(own, "/intake/refusals/99:1")).count("No refusal 99:1 is kept here") == 1


async def test_refusals_with_one_cause_are_one_line_that_leads_to_one_of_them(console: Console) -> None:
    code = new_name("bad_")
    await refuse(console, code, '{"id":"e1","data":{"count":0}}', "no <json> at all", message=f"say 1 or more, {code}")
    text = await shows(console, f"say 1 or more, {code}</a>", '<td class="num">2</td>')
    place = text.split(f'">say 1 or more, {code}')[0].rsplit("/intake/refusals/", 1)[1]
    own = await page(console, f"/intake/refusals/{place}")
    assert f"truenorth quarantine replay {place}" in own
    assert "no &lt;json&gt; at all" in own or "&#34;count&#34;: 0" in own
    assert own.count('<a href="/intake/refusals/') == 1


async def test_what_waits_is_counted_by_lookup_until_its_account_is_known(console: Console) -> None:
    customer = new_name("cus_")
    await hold(console, f"stripe:{customer}", events=3)
    text = await shows(console, f"<b>stripe:{customer}</b> · 3 events wait: tell us whose it is")
    assert f"/v1/identities/stripe/{customer}" in text
    await learn(console, f"stripe:{customer}", "acc-found")
    await shows(console, f"<b>stripe:{customer}</b> has found its account: 3 events went on to it")
    await console.repeat("identities", f"stripe:{customer}\nacc-found", None)
    await shows(console, f"<b>stripe:{customer}</b> · 3 events wait: tell us whose it is")


async def test_what_was_learned_before_does_not_settle_what_belongs_to_several(console: Console) -> None:
    customer = new_name("cus_")
    await learn(console, f"stripe:{customer}", "acc-1")
    await learn(console, f"stripe:{customer}", "acc-2")
    await hold(console, f"stripe:{customer}", reason="ambiguous")
    await shows(console, f"<b>stripe:{customer}</b> · 1 event waits: it belongs to several accounts, say which")


async def test_an_erased_account_and_an_erased_person_leave_the_intake(console: Console) -> None:
    account, person, customer, code = new_name("acc-"), new_name("p_"), new_name("cus_"), new_name("bad_")
    await hold(console, f"actor:{person}")
    await hold(console, f"stripe:{customer}")
    await learn(console, f"stripe:{customer}", account)
    await refuse(console, f"{code}_a", encode_json({"subject": account}).decode())
    await refuse(console, f"{code}_b", encode_json({"subject": f"{account}9"}).decode())
    await shows(console, f"pseudonym {person}", f"<b>stripe:{customer}</b> has found", f"{code}_a", f"{code}_b")
    await console.say(account, ErasureRequested("actor", person), ErasureRequested("account", account))

    async def gone() -> bool:
        text = await page(console)
        return not any(one in text for one in (person, customer, f"{code}_a"))

    await eventually(gone)
    assert f"{code}_b" in await page(console)

    await refuse(console, f"{code}_c", encode_json({"subject": account}).decode())
    await refuse(console, f"{code}_d", "something else")
    await hold(console, f"actor:{person}")
    text = await shows(console, f"{code}_d")
    assert f"{code}_c" not in text
    assert person not in text
