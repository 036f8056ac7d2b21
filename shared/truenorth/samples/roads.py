"""The other roads into the edge: what an SDK, a billing system and a back end that errs would send."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx

from truenorth import codec
from truenorth.client.wire import EVENTS_PATH
from truenorth.clock import MILLIS_PER_SECOND
from truenorth.events.inputs import UsageRecorded
from truenorth.samples.events import SampleEvent

BATCH_PATH: Final = "/v1/batch"
WEBHOOKS_PATH: Final = "/v1/webhooks"
TIMEOUT_S: Final = 30.0
DASHBOARD: Final = "Dashboard"
"""The one page among the calls; the others are tracked."""

SDK_CALLS: Final[dict[str, tuple[str, dict[str, object]]]] = {
    "board": ("Board Viewed", {}),
    "timeline": ("Timeline Viewed", {}),
    "comments": ("Comment Added", {}),
    "templates": ("Template Applied", {}),
    "report": ("Report Opened", {}),
    "export": ("Export Finished", {"files": 1}),
    "schedule": ("Schedule Created", {}),
    "csv-import": ("Import Finished", {"kind": "csv-import"}),
    "sync": ("Import Finished", {"kind": "sync"}),
    "rule": ("Rule Ran", {"trigger": "change"}),
    "webhook-rule": ("Rule Ran", {"trigger": "webhook"}),
    "dashboard": (DASHBOARD, {}),
    "share-link": ("Link Shared", {}),
    "audit-log": ("Audit Log Searched", {}),
    "sandbox-run": ("Sandbox Run", {}),
}
"""Feature -> how the product's SDK calls it; the example definitions (config/tracking.yaml) lead back."""


@dataclass(frozen=True, slots=True)
class SdkCalls:
    """Calls of an SDK, as one `/v1/batch`."""

    calls: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook of a connector, yet to be signed; sent only where its secret is known."""

    connector: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlainEvents:
    """CloudEvents as they are, right or wrong."""

    events: Sequence[dict[str, Any]]


Parcel = SdkCalls | Webhook | PlainEvents


class Roads:
    """Sends parcels, once each: what does not arrive is let go. Use it with ``async with``.

    ``secrets`` are those of the connectors, by connector; a webhook of any other is not sent.
    """

    def __init__(
        self, url: str, key: str, secrets: dict[str, str], *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._secrets = {connector: secret for connector, secret in secrets.items() if secret}
        self._key = key
        self._client = httpx.AsyncClient(base_url=url.rstrip("/"), timeout=TIMEOUT_S, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def takes(self, parcel: Parcel) -> bool:
        """Tell whether there is a way to send this."""
        return not isinstance(parcel, Webhook) or parcel.connector in self._secrets

    async def send(self, parcel: Parcel, now_ms: int) -> str:
        """Send a parcel; return why it did not arrive as it was meant, or nothing.

        A request that is answered is one that arrived, whatever became of its events.
        """
        if isinstance(parcel, SdkCalls):
            body = codec.encode_json({"batch": parcel.calls, "sentAt": codec.rfc3339(now_ms)})
            return await self._post(BATCH_PATH, body, "application/json", auth=httpx.BasicAuth(self._key, ""))
        if isinstance(parcel, PlainEvents):
            body = codec.encode_json(parcel.events)
            bearer = {"authorization": f"Bearer {self._key}"}
            return await self._post(EVENTS_PATH, body, "application/cloudevents-batch+json", headers=bearer)
        body = codec.encode_json(parcel.payload)
        headers = signed(parcel.connector, self._secrets[parcel.connector], body, now_ms)
        return await self._post(f"{WEBHOOKS_PATH}/{parcel.connector}", body, "application/json", headers=headers)

    async def _post(
        self, path: str, body: bytes, content_type: str, *, headers: dict[str, str] | None = None, auth: Any = None
    ) -> str:
        sent = {"content-type": content_type, **(headers or {})}
        try:
            answer = await self._client.post(path, content=body, headers=sent, auth=auth)
        except httpx.HTTPError as error:
            return f"{path} does not answer ({type(error).__name__})"
        return "" if answer.status_code == httpx.codes.OK else f"{path} says {answer.status_code}: {answer.text[:200]}"


def signed(connector: str, secret: str, body: bytes, now_ms: int) -> dict[str, str]:
    """Return the header that proves who sends: Stripe's scheme for ``stripe``, the example academy's for others."""
    if connector == "stripe":
        at = now_ms // MILLIS_PER_SECOND
        return {"stripe-signature": f"t={at},v1={_hmac(secret, f'{at}.'.encode() + body)}"}
    return {f"x-{connector}-signature": f"sha256={_hmac(secret, body)}"}


def _hmac(secret: str, signed_bytes: bytes) -> str:
    return hmac.new(secret.encode(), signed_bytes, hashlib.sha256).hexdigest()


def is_sdk_usage(event: SampleEvent) -> bool:
    """Tell whether the product's SDK has a call for this event."""
    return isinstance(event.data, UsageRecorded) and event.data.feature in SDK_CALLS and event.data.count == 1


def as_sdk_call(event: SampleEvent) -> dict[str, Any]:
    """Return the SDK's call that means the same as this event of usage."""
    name, properties = SDK_CALLS[event.data.feature]  # type: ignore[attr-defined]  # see `is_sdk_usage`
    kind, member = ("page", "name") if name == DASHBOARD else ("track", "event")
    return {
        "type": kind,
        "messageId": event.id,
        "timestamp": codec.rfc3339(event.time_ms),
        "userId": event.data.actor,  # type: ignore[attr-defined]
        member: name,
        "properties": properties,
        "context": {"groupId": event.account},
    }
