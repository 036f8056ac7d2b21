"""Signed webhooks (Standard Webhooks): one POST per attempt, the same id on each of them."""

import asyncio
import binascii
import ipaddress
import socket
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError
from truenorth.clock import MILLIS_PER_SECOND, Clock, from_millis, to_millis

from truenorth_notify.domain.deliveries import Outcome
from truenorth_notify.domain.texts import WEBHOOK_BYTES_MAX, webhook_body
from truenorth_notify.ports import Claimed

WEBHOOK_TIMEOUT_S: Final = 15.0
ANSWER_CHARS_MAX: Final = 2_048
ANSWER_BYTES_MAX: Final = 16_384
GONE: Final = 410
BUSY: Final = frozenset({429, 503})
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class WebhookSender:
    """Posts one alert to one endpoint.

    ``secret_of`` gives the signing secret (``whsec_`` and base64) of an endpoint by its id, empty when there
    is none. An address that is not on the public internet is refused unless ``allow_private``; the
    connection goes to the very address that was checked, so that a name cannot change in between.
    """

    def __init__(self, *, secret_of: Callable[[str], str], console_url: str, allow_private: bool, clock: Clock) -> None:
        self._secret_of = secret_of
        self._console_url = console_url
        self._allow_private = allow_private
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Open the connection pool. Proxies of the environment are not used: they would undo the check."""
        self._client = httpx.AsyncClient(timeout=WEBHOOK_TIMEOUT_S, follow_redirects=False, trust_env=False)

    async def stop(self) -> None:
        """Close it."""
        if self._client is not None:
            await self._client.aclose()

    async def send(self, claimed: Claimed) -> Outcome:
        """See `Sender.send`."""
        if self._client is None:
            return Outcome("retry", "not started")
        delivery, alert = claimed.delivery, claimed.alert
        body = webhook_body(alert, about=delivery.about, console_url=self._console_url, happened_ms=claimed.happened_ms)
        if len(body) > WEBHOOK_BYTES_MAX:
            return Outcome("refused", f"body_too_large: {len(body)} bytes")
        try:
            headers = self._signed(delivery.delivery_id, delivery.recipient, body)
        except (binascii.Error, ValueError, EmptyWebhookSecretError):
            return Outcome("retry", "secret_unusable: the endpoint's secret is missing or not whsec_ and base64")
        try:
            async with asyncio.timeout(WEBHOOK_TIMEOUT_S):
                return await self._post(self._client, delivery.address, headers, body)
        except (httpx.InvalidURL, ValueError) as error:  # ValueError: a name that cannot be written as one
            return Outcome("refused", f"address_invalid: {error}"[:ANSWER_CHARS_MAX])
        except (httpx.HTTPError, OSError) as error:  # OSError: TimeoutError and name resolution
            return Outcome("retry", f"{type(error).__name__}: {error}"[:ANSWER_CHARS_MAX])

    def _signed(self, delivery_id: str, endpoint: str, body: bytes) -> dict[str, str]:
        moment = from_millis(self._clock.now_ms())
        return {
            "content-type": "application/json",
            "user-agent": "truenorth-notify",
            "webhook-id": delivery_id,
            "webhook-timestamp": str(to_millis(moment) // MILLIS_PER_SECOND),
            "webhook-signature": Webhook(self._secret_of(endpoint)).sign(delivery_id, moment, body.decode()),
        }

    async def _post(self, client: httpx.AsyncClient, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        target = httpx.URL(url)
        if target.scheme not in {"http", "https"} or not target.host:
            return Outcome("refused", "address_invalid: not an http or https address")
        address = await self._address(target)
        if address is None:
            return Outcome("refused", "address_private: the endpoint is not on the public internet")
        headers = {**headers, "host": target.netloc.decode("ascii")}
        pinned = target.copy_with(host=address)
        async with client.stream(
            "POST", pinned, content=body, headers=headers, extensions={"sni_hostname": target.host}
        ) as response:
            return await self._outcome(response)

    async def _address(self, target: httpx.URL) -> str | None:
        """Return the address to connect to, or None when any address of that name is not public."""
        port = target.port or (443 if target.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not self._allow_private and not all(is_public(address) for address in addresses):
            return None
        return addresses[0]

    async def _outcome(self, response: httpx.Response) -> Outcome:
        if response.is_success:
            return Outcome("delivered")
        text = f"HTTP {response.status_code}: {await _beginning(response)}"[:ANSWER_CHARS_MAX]
        if response.status_code == GONE:
            return Outcome("refused", text, disables=True)
        if response.status_code in BUSY:
            return Outcome(
                "retry",
                text,
                retry_after_s=retry_after_s(response.headers.get("retry-after", ""), now_ms=self._clock.now_ms()),
            )
        return Outcome("retry", text)


def is_public(address: str) -> bool:
    """Return whether this address is on the public internet: not private, loopback, link-local or reserved."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.is_site_local:
            return False
        parsed = _inside(parsed) or parsed
    return parsed.is_global and not parsed.is_multicast


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a mapped, 6to4 or NAT64 address leads to."""
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def retry_after_s(header: str, *, now_ms: int) -> float | None:
    """Return the wait that a ``Retry-After`` asks for, in seconds or as a date; None when it says neither."""
    raw = header.strip()
    if raw.isdecimal():
        return float(raw)
    try:
        moment = parsedate_to_datetime(raw)
    except (ValueError, OverflowError):  # a date from outside must not end the process
        return None
    wait_ms = (to_millis(moment) if moment.tzinfo else 0) - now_ms
    return max(0.0, wait_ms / MILLIS_PER_SECOND)


async def _beginning(response: httpx.Response) -> str:
    """Return the first part of an answer as text fit for the database."""
    taken = b""
    async for chunk in response.aiter_bytes():
        taken += chunk
        if len(taken) >= ANSWER_BYTES_MAX:
            break
    return taken[:ANSWER_BYTES_MAX].decode(errors="replace").replace("\x00", "")
