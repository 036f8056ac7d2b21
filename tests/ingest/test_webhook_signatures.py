"""Whether a webhook comes from whom it says: every scheme that ships, right and wrong in every way."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import standardwebhooks
from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.clock import from_millis
from truenorth.definitions.intake import Signature
from truenorth.errors import RefusedError
from truenorth_ingest.adapters.shipped import shipped_connectors
from truenorth_ingest.domain.webhooks.verifying import basic_verified, token_verified, verified

NOW_MS = 1_770_106_500_123
URL = "https://events.example.com/v1/webhooks/x"
BODY = b'{"id": "1",  "name": "Stra\xc3\x9fe"}'
SIGNATURES = {one.id: one.signature for one in shipped_connectors() if one.signature is not None}
SECRET = "whsec_" + base64.b64encode(b"a secret of enough bytes").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of a vendor").decode()


def _hex(secret: str, text: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), text, algorithm).hexdigest()


def _base64(secret: str, text: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def _stripe(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    at = str(at_ms // 1000)
    return {"stripe-signature": f"t={at},v1={_hex(secret, at.encode() + b'.' + body)},v0=ab"}


def _zendesk(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    at = from_millis(at_ms).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "x-zendesk-webhook-signature": _base64(secret, at.encode() + body),
        "x-zendesk-webhook-signature-timestamp": at,
    }


def _hubspot(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    text = b"POST" + URL.encode() + body + str(at_ms).encode()
    return {"x-hubspot-signature-v3": _base64(secret, text), "x-hubspot-request-timestamp": str(at_ms)}


def _standard(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    signed = standardwebhooks.Webhook(secret).sign("msg_1", from_millis(at_ms), body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at_ms // 1000), "webhook-signature": signed}


@dataclass(frozen=True)
class Scheme:
    """How a vendor signs, done by hand (or by the vendor's own library) rather than by the table."""

    connector: str
    sign: Callable[[str, bytes, int], dict[str, str]]
    timed: bool = True
    table: Signature = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", SIGNATURES[self.connector])


SCHEMES = [
    Scheme("stripe", _stripe),
    Scheme("zendesk", _zendesk),
    Scheme("hubspot", _hubspot),
    Scheme("standard", _standard),
    Scheme("typeform", lambda s, b, _: {"typeform-signature": f"sha256={_base64(s, b)}"}, timed=False),
    Scheme("intercom", lambda s, b, _: {"x-hub-signature": f"sha1={_hex(s, b, 'sha1')}"}, timed=False),
    Scheme("jira", lambda s, b, _: {"x-hub-signature": f"sha256={_hex(s, b)}"}, timed=False),
]
every = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.connector)
timed = pytest.mark.parametrize(
    "scheme", [scheme for scheme in SCHEMES if scheme.timed], ids=lambda scheme: scheme.connector
)


def check(scheme: Scheme, headers: dict[str, str], *, secrets: tuple[str, ...] = (SECRET,), body: bytes = BODY) -> None:
    verified(scheme.table, secrets, body=body, headers=headers, method="POST", url=URL, now_ms=NOW_MS)


def refused(scheme: Scheme, headers: dict[str, str], *, body: bytes = BODY) -> str:
    with pytest.raises(RefusedError) as caught:
        check(scheme, headers, body=body)
    return caught.value.code


def test_every_shipped_scheme_is_tried_here() -> None:
    assert {scheme.connector for scheme in SCHEMES} == set(SIGNATURES)


@every
def test_what_the_vendor_signed_is_verified(scheme: Scheme) -> None:
    check(scheme, scheme.sign(SECRET, BODY, NOW_MS))


@every
def test_another_secret_is_refused(scheme: Scheme) -> None:
    assert refused(scheme, scheme.sign(OTHER, BODY, NOW_MS)) == "signature_wrong"


@every
def test_a_body_that_was_parsed_and_written_anew_is_refused(scheme: Scheme) -> None:
    headers = scheme.sign(SECRET, BODY, NOW_MS)
    assert refused(scheme, headers, body=json.dumps(json.loads(BODY)).encode()) == "signature_wrong"


@every
def test_either_of_two_secrets_will_do_while_they_are_changed(scheme: Scheme) -> None:
    for secret in (SECRET, OTHER):
        check(scheme, scheme.sign(secret, BODY, NOW_MS), secrets=(OTHER, SECRET))


@every
def test_without_a_signature_it_is_refused(scheme: Scheme) -> None:
    assert refused(scheme, {}) == "signature_missing"
    assert refused(scheme, {scheme.table.header.lower(): "nonsense é"}) == "signature_missing"


@every
def test_an_empty_body_can_be_signed(scheme: Scheme) -> None:
    check(scheme, scheme.sign(SECRET, b"", NOW_MS), body=b"")


@timed
@pytest.mark.parametrize("away_s", [-301, 302, 10**7])
def test_what_was_signed_too_long_ago_or_ahead_is_stale(scheme: Scheme, away_s: int) -> None:
    assert refused(scheme, scheme.sign(SECRET, BODY, NOW_MS - away_s * 1000)) == "signature_stale"


@timed
@pytest.mark.parametrize("away_s", [-298, 298])
def test_clocks_may_differ_by_five_minutes_both_ways(scheme: Scheme, away_s: int) -> None:
    check(scheme, scheme.sign(SECRET, BODY, NOW_MS - away_s * 1000))


@timed
def test_a_stale_one_is_told_the_same_whether_it_was_rightly_signed_or_not(scheme: Scheme) -> None:
    stale = NOW_MS - 10**7
    assert refused(scheme, scheme.sign(SECRET, BODY, stale)) == refused(scheme, scheme.sign(OTHER, BODY, stale))


def test_one_of_several_signatures_in_a_header_is_enough() -> None:
    stripe = SCHEMES[0]
    wrong, right = (_stripe(secret, BODY, NOW_MS)["stripe-signature"] for secret in (OTHER, SECRET))
    both = f"{wrong},{next(part for part in right.split(',') if part.startswith('v1='))}"
    check(stripe, {"stripe-signature": both})
    standard = SCHEMES[3]
    headers = _standard(SECRET, BODY, NOW_MS)
    headers["webhook-signature"] = f"v1a,Zm9v v1,{base64.b64encode(b'x' * 32).decode()} {headers['webhook-signature']}"
    check(standard, headers)


def test_a_timestamp_that_is_none_is_stale_or_missing() -> None:
    zendesk = SCHEMES[1]
    headers = _zendesk(SECRET, BODY, NOW_MS)
    for nonsense in ("yesterday", "²", "1e9"):
        assert refused(zendesk, {**headers, "x-zendesk-webhook-signature-timestamp": nonsense}) == "signature_stale"
    del headers["x-zendesk-webhook-signature-timestamp"]
    assert refused(zendesk, headers) == "signature_missing"


def test_a_secret_that_is_not_encoded_as_said_is_the_operators_to_correct() -> None:
    standard = SCHEMES[3]
    with pytest.raises(RefusedError) as caught:
        check(standard, _standard(SECRET, BODY, NOW_MS), secrets=("whsec_***",))
    assert caught.value.code == "connector_broken"


@settings(deadline=None)
@given(st.binary(max_size=200), st.text(st.characters(max_codepoint=255), max_size=60))
def test_nothing_that_was_not_signed_gets_through_and_nothing_breaks(body: bytes, given_signature: str) -> None:
    for scheme in SCHEMES:
        headers = {**scheme.sign(OTHER, b"other", NOW_MS), scheme.table.header.lower(): given_signature}
        assert refused(scheme, headers, body=body).startswith("signature_")


def test_basic_and_token_take_either_secret_and_nothing_else() -> None:
    def basic(text: str) -> dict[str, str]:
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    secrets = ("user:first", "user:second")
    basic_verified(secrets, basic("user:second"))
    token_verified(secrets, "user:first")
    wrong: list[tuple[Callable[[], None], str]] = [
        (lambda: basic_verified(secrets, {}), "signature_missing"),
        (lambda: basic_verified(secrets, {"authorization": "Bearer x"}), "signature_missing"),
        (lambda: basic_verified(secrets, {"authorization": "Basic ???"}), "signature_wrong"),
        (lambda: basic_verified(secrets, basic("user:third")), "signature_wrong"),
        (lambda: token_verified(secrets, ""), "signature_missing"),
        (lambda: token_verified(secrets, "user:firs"), "signature_wrong"),
    ]
    for call, code in wrong:
        with pytest.raises(RefusedError) as caught:
            call()
        assert caught.value.code == code
