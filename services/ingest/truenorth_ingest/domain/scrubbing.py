"""What of a refused event may be kept: its shape, what the contract knows, and nobody in it.

Strings are kept under the names alone that our own events and the SDKs' calls have, and only when they look like
nobody: people become pseudonyms (so that a replay means the same person), keys are dropped, every other string is
replaced by a mark that tells its length. Numbers, truth values and null stay. Marks are no values: a replay leaves
them out.
"""

import ipaddress
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from truenorth.events.catalogue import CATALOGUE, TYPES_FROM_OUTSIDE

DEPTH_MAX: Final = 32
KEPT_CHARS_MAX: Final = 256
_KEY_CHARS_MAX: Final = 64
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_FIELD_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.:-]*\Z")
_MARK: Final = re.compile(r"\[(\d+ characters|nested)\]\Z")
_QUOTED: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_IPV4: Final = re.compile(r"(?<![0-9])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9])")
_IPV6: Final = re.compile(r"(?:[0-9A-Fa-f]{0,4}:){2,8}[0-9A-Fa-f:.]*")
_SECRET: Final = re.compile(r"(?:^|[^A-Za-z0-9])(?:tn_[a-z0-9]+_|sk_|rk_|pk_|whsec_|xox[a-z]-|ghp_|eyJ|Bearer |Basic )")
_AT_SIGNS: Final = ("@", "＠", "﹫", "%40")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SECRETS: Final = _names(
    "writekey write_key api_key apikey authorization password passwd secret client_secret token access_token"
    " refresh_token id_token signature cookie set_cookie private_key credentials"
)
"""Names, in lower case, that are left out with all that is under them."""

PEOPLE: Final = _names(
    "actor respondent contact contact_id subject_id userid user_id anonymousid anonymous_id previousid previous_id"
    " distinct_id person_id contactid personid requester_id submitter_id assignee_id author_id visitor_id"
)
"""Names, in lower case, of ids of people."""

PERSONS: Final = _names(
    "user person requester submitter assignee author visitor lead profile member sender from to owner identity hidden"
    " contact contacts respondents"
)
"""Names of objects that describe somebody: an ``id`` in there is a person's."""

TRAITS: Final = frozenset({"traits", "user_properties", "userproperties", "$set", "$set_once", "$group_set"})
ACCOUNT_NAMES: Final = frozenset({"groupid", "group_id", "accountid", "account_id", "accountexternalid"})
"""Names under which accounts are named; kept even among traits."""

_NEVER: Final = frozenset({"name", "email", "by", "note", "text", "title", "description", "subject_line", "links"})
_ENVELOPE: Final = "specversion id source type subject time datacontenttype traceparent recordedtime"
_CALLS: Final = "event messageid timestamp originaltimestamp sentat receivedat channel version"
_VENDORS: Final = (
    "customer subscription invoice charge dispute status object currency organization_id objectid portalid"
    " subscriptiontype propertyname changesource event_type eventtype form_id response_id api_version interval"
)
KNOWN: Final = ACCOUNT_NAMES | (
    {field.encode_name.lower() for name in TYPES_FROM_OUTSIDE for field in msgspec.structs.fields(CATALOGUE[name])}
    | _names(_ENVELOPE)
    | _names(_CALLS)
    | _names(_VENDORS)
) - (_NEVER | PEOPLE | PERSONS)
_SPACED: Final = ACCOUNT_NAMES | _names(
    "subject source event feature features module modules plan tier industry segment_hint kind reason unit"
)
"""Known names whose values may be of several words; under the others a value of several words is somebody's text."""

_NUMERIC: Final = re.compile(r"[0-9TZ:+./ -]+\Z")
_WORDS: Final = frozenset(CATALOGUE) | KNOWN


@dataclass(slots=True)
class Scrubbed:
    """What is kept. ``replayable`` is whether it is still the event, so that it can be read again."""

    text: str
    redacted: bool
    replayable: bool
    _kept: frozenset[str] = frozenset()
    _gone: frozenset[str] = frozenset()

    def told(self, message: str) -> str:
        """Return a refusal's message without what it quotes of the event and is not kept of it."""
        message = _SURROGATES.sub("\ufffd", message)
        for gone in sorted(self._gone, key=len, reverse=True):
            message = message.replace(gone, mark(gone))
        quoted = _QUOTED.sub(lambda found: self._quoted(found[0]), message)
        return mark(message) if looks_personal(quoted) else quoted

    def _quoted(self, found: str) -> str:
        inside = found[1:-1]
        return found if inside in self._kept or inside in _WORDS or _MARK.match(inside) else mark(inside)


def scrubbed(raw: bytes, pseudonym_of: Callable[[str], str]) -> Scrubbed:
    """Return what may be kept of a refused event, as JSON where it was JSON; else only how much of what it was."""
    try:
        value = json.loads(raw, parse_constant=lambda _: None)
        walk = _Walk(pseudonym_of)
        kept = walk.value(value, "", depth=0)
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return Scrubbed(f"[{len(raw)} bytes, {_class_of(raw)}]", redacted=True, replayable=False)
    gone = frozenset(text for text in walk.gone if len(text) > 2)  # a shorter one is in every message
    whole = isinstance(kept, dict)
    return Scrubbed(_SURROGATES.sub("\ufffd", text), walk.redacted, whole, frozenset(walk.kept), gone)


def without_marks(value: Any) -> Any:
    """Return a scrubbed JSON value without the members and items that are marks, for a replay."""
    if isinstance(value, dict):
        return {name: without_marks(part) for name, part in value.items() if not is_mark(name) and not is_mark(part)}
    if isinstance(value, list):
        return [without_marks(part) for part in value if not is_mark(part)]
    return value


def mark(text: str) -> str:
    """Return what stands for a text that is not kept."""
    return f"[{len(text)} characters]"


def is_mark(value: object) -> bool:
    """Tell whether a value stands for something that was not kept."""
    return isinstance(value, str) and _MARK.match(value) is not None


def looks_personal(text: str) -> bool:
    """Tell whether a text holds what looks like a mail address, an IP address or a secret."""
    if any(sign in text for sign in _AT_SIGNS) or _IPV4.search(text) or _SECRET.search(text):
        return True
    return any(_is_ipv6(found[0].rstrip(".")) for found in _IPV6.finditer(text))


def field_told(path: str) -> str:
    """Return a refusal's field, or nothing when it is no field's name but what somebody wrote as one."""
    return path if len(path) <= 2 * KEPT_CHARS_MAX and not looks_personal(path) and "\n" not in path else ""


@dataclass(slots=True)
class _Walk:
    pseudonym_of: Callable[[str], str]
    redacted: bool = False
    kept: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def value(self, value: Any, name: str, *, depth: int, whose: str = "") -> Any:
        """Return what is kept of a value under ``name``; ``whose`` is ``person`` or ``traits`` inside of such."""
        if isinstance(value, dict | list) and depth >= DEPTH_MAX:
            self.redacted = True
            return "[nested]"
        if isinstance(value, dict):
            return self._object(value, name, depth, whose)
        if isinstance(value, list):
            return [self.value(part, name, depth=depth + 1, whose=whose) for part in value]
        if isinstance(value, str):
            return self._text(value, name, whose)
        if isinstance(value, float) and not math.isfinite(value):
            value = None
        elif isinstance(value, int) and not isinstance(value, bool) and _is_person(name, whose):
            value = self._person(str(value))
        return value

    def _object(self, value: Mapping[str, Any], name: str, depth: int, whose: str) -> dict[str, Any]:
        whose = whose or ("person" if name in PERSONS else "traits" if name in TRAITS else "")
        kept: dict[str, Any] = {}
        for key, part in value.items():
            low = key.lower()
            if low.replace("-", "_") in SECRETS:
                self._drop(part)
                continue
            inside = name if name == "external_ids" else low  # its members are other systems' names
            if low == "subject" and depth:
                inside = ""  # an event's own subject is its account; any other is what somebody wrote about
            kept[self._key(key)] = self.value(part, inside, depth=depth + 1, whose=whose)
        return kept

    def _drop(self, part: Any) -> None:
        self.redacted = True
        if isinstance(part, str):
            self.gone.add(part)

    def _key(self, key: str) -> str:
        if len(key) <= _KEY_CHARS_MAX and _FIELD_NAME.match(key) and not looks_personal(key):
            self.kept.add(key)
            return key
        return self._marked(key)

    def _text(self, text: str, name: str, whose: str) -> str:
        if not text:
            return text
        if _is_person(name, whose):
            return self._person(text)
        if whose and name not in ACCOUNT_NAMES:
            return self._marked(text)
        if name in KNOWN and len(text) <= KEPT_CHARS_MAX and _is_term(text, name) and not looks_personal(text):
            self.kept.add(text)
            return text
        return self._marked(text)

    def _person(self, person: str) -> str:
        pseudonym = self.pseudonym_of(person)
        if pseudonym != person:
            self.redacted = True
            self.gone.add(person)
        return pseudonym

    def _marked(self, text: str) -> str:
        if is_mark(text):
            return text
        self.redacted = True
        self.gone.add(text)
        return mark(text)


def _is_person(name: str, whose: str) -> bool:
    return name in PEOPLE or (whose == "person" and name == "id")


def _is_term(text: str, name: str) -> bool:
    """Tell whether a text is what belongs under a known name: one word, or a time, where not several are usual."""
    return name in _SPACED or _NUMERIC.match(text) is not None or len(text.split()) == 1


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _class_of(raw: bytes) -> str:
    """Return what kind of thing this is, by its first bytes, and no text of it."""
    opening = bytes(raw[:8])
    if opening.startswith(b"\x1f\x8b"):
        return "gzip"
    if opening.lstrip()[:1] in {b"{", b"["}:
        return "broken JSON"
    if opening.lstrip()[:1] == b"<":
        return "XML or HTML"
    return "text" if all(byte >= 32 or byte in b"\t\r\n" for byte in opening) else "binary"
