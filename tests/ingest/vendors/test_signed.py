"""Every recording, signed as its vendor signs, through the whole edge."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from truenorth.clock import ManualClock
from truenorth.codec import rfc3339

from tests.ingest.doubles import Edge
from tests.ingest.vendors.recorded import PERSONAL, recorded, recordings

SECRET = "whsec_a_secret_of_enough_characters"
PUBLIC_URL = "https://edge.example"
VENDORS = ("stripe", "zendesk", "hubspot", "typeform")
KNOWN = ("stripe:cus_Na6dX7aXxi11N4", "zendesk:8447346622462", "hubspot:1246965")
REFUSED = {
    ("stripe", "thin_invoice_paid"): "webhook_thin",
    ("zendesk", "ticket_without_organization"): "webhook_invalid",
    ("zendesk", "trigger_rated_without_organization"): "webhook_invalid",
    ("typeform", "nobodys"): "webhook_invalid",
    ("typeform", "off_the_scale"): "webhook_invalid",
}


@pytest.fixture
def edge() -> Edge:
    secrets = {f"TRUENORTH_CONNECTOR_SECRET_{vendor.upper()}": (SECRET,) for vendor in VENDORS}
    made = Edge(connector_secrets=secrets, public_url=PUBLIC_URL)
    made.accounts.known = {lookup: ["acct-1042"] for lookup in KNOWN}
    return made


def signed(vendor: str, body: bytes, secret: str, now_ms: int) -> dict[str, str]:
    def digest(text: bytes) -> "hmac.HMAC":
        return hmac.new(secret.encode(), text, hashlib.sha256)

    def in_base64(text: bytes) -> str:
        return base64.b64encode(digest(text).digest()).decode()

    if vendor == "stripe":
        seconds = str(now_ms // 1000)
        return {"stripe_signature": f"t={seconds},v1={digest(f'{seconds}.'.encode() + body).hexdigest()}"}
    if vendor == "zendesk":
        at = rfc3339(now_ms)
        return {
            "x_zendesk_webhook_signature": in_base64(at.encode() + body),
            "x_zendesk_webhook_signature_timestamp": at,
            "x_zendesk_webhook_invocation_id": "01HNX2Z8ZQ6J4G3W7K6V8M9E5D",
        }
    if vendor == "hubspot":
        text = f"POST{PUBLIC_URL}/v1/webhooks/hubspot".encode() + body + str(now_ms).encode()
        return {"x_hubspot_signature_v3": in_base64(text), "x_hubspot_request_timestamp": str(now_ms)}
    return {"typeform_signature": f"sha256={in_base64(body)}"}


async def posted(edge: Edge, vendor: str, payload: Any, *, secret: str = SECRET) -> tuple[int, Any]:
    body = json.dumps(payload).encode()
    headers = signed(vendor, body, secret, ManualClock().now_ms())
    answer = await edge.post(body, key=None, path=f"/v1/webhooks/{vendor}", **headers)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("vendor", "name"), [(vendor, name) for vendor in VENDORS for name in recordings(vendor)])
async def test_a_recording_is_taken_or_refused_by_its_code_and_tells_nothing_of_a_person(
    edge: Edge, vendor: str, name: str
) -> None:
    status, answer = await posted(edge, vendor, recorded(vendor, name))
    code = REFUSED.get((vendor, name))
    assert status == 200
    assert [one["code"] for one in answer["rejected"]] == ([code] if code else [])
    written = b" ".join(one.value or b"" for one in edge.log.records).decode().lower()
    assert not [word for word in PERSONAL if word.lower() in written]


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_recording_that_somebody_else_signed_is_not_taken(edge: Edge, vendor: str) -> None:
    status, _ = await posted(
        edge, vendor, recorded(vendor, recordings(vendor)[0]), secret="another_secret_of_a_stranger"
    )
    assert status == 401
    assert edge.log.records == []


async def test_a_dispute_finds_the_account_that_its_charge_was_learned_for(edge: Edge) -> None:
    for name in ("charge_succeeded", "dispute_created"):
        await posted(edge, "stripe", recorded("stripe", name))
    (event,) = [one for one in edge.log.values("billing") if one["type"] == "payment.disputed"]
    assert event["subject"] == "acct-1042"


async def test_one_bad_notification_of_hubspot_s_costs_no_other(edge: Edge) -> None:
    items = recorded("hubspot", "mixed")
    items[3] = {**items[3], "subscriptionType": "company.eaten"}
    status, answer = await posted(edge, "hubspot", items)
    assert (status, answer["accepted"]) == (200, len(items) - 1)
    assert [(one["index"], one["code"], one["field"]) for one in answer["rejected"]] == [
        (3, "webhook_unknown", "subscriptionType")
    ]


async def test_a_person_to_forget_is_looked_up_and_kept_as_a_pseudonym_only(edge: Edge) -> None:
    await posted(edge, "hubspot", recorded("hubspot", "privacy_deletion"))
    (held,) = edge.log.values("unresolved")
    (lookup,) = held["data"]["lookups"]
    assert lookup.startswith("actor:p_")
    assert held["data"]["data"]["subject_id"] == lookup.removeprefix("actor:")
