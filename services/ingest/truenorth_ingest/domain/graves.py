"""What was erased, as far as it concerns what is read now: an account's, or a person's at an account."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from truenorth.erasures import is_buried

_ACTOR = "actor:"


@dataclass(frozen=True, slots=True)
class Graves:
    """When (epoch ms of the request's record) accounts were erased, and people, by pseudonym and then account."""

    accounts: Mapping[str, int] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def hold_event(self, account: str, people: Collection[str], *, record_ms: int, time_ms: int) -> bool:
        """Tell whether an event of this account, that names these people, belongs to what was erased."""
        asked = [self.accounts.get(account), *(self.people.get(person, {}).get(account) for person in people)]
        return any(is_buried(erased_ms, record_ms=record_ms, time_ms=time_ms) for erased_ms in asked)

    def hold_pair(self, lookup: str, account: str, *, record_ms: int, time_ms: int) -> bool:
        """Tell whether that a lookup belongs to an account is something that was to be forgotten."""
        person = person_in(lookup)
        people = [person] if person else []
        return self.hold_waiting(people, record_ms=record_ms) or self.hold_event(
            account, people, record_ms=record_ms, time_ms=time_ms
        )

    def hold_waiting(self, people: Collection[str], *, record_ms: int) -> bool:
        """Tell whether something that names these people, at no known account, was there when one was erased."""
        return any(record_ms <= erased_ms for person in people for erased_ms in self.people.get(person, {}).values())


def person_in(lookup: str) -> str:
    """Return the pseudonym that a lookup names; empty for a lookup that names no person."""
    return lookup.removeprefix(_ACTOR) if lookup.startswith(_ACTOR) else ""
