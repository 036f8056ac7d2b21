"""Who looks at the pages, whom they look after, and the names that definitions give to things."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from truenorth.definitions.model import Definitions, Person


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called, from the definitions in force."""

    people: Mapping[str, Person] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    phases: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, definitions: Definitions | None) -> "Names":
        """Return the names of these definitions; none for None."""
        if definitions is None:
            return cls()
        return cls(
            people={person.id: person for person in definitions.people},
            segments={segment.id: segment.name for segment in definitions.segments},
            phases={phase.id: phase.name for phase in definitions.phases},
        )

    def person(self, person_id: str) -> str:
        """Return a person's name, or the id of one who is not in the definitions."""
        known = self.people.get(person_id)
        return person_id if known is None else known.name

    def place(self, segment: str, phase: str) -> str:
        """Return ``Mid-market · Growth``."""
        parts = (self.segments.get(segment, segment), self.phases.get(phase, phase.capitalize()))
        return " · ".join(part for part in parts if part)


def team_of(viewer: Person, people: Mapping[str, Person]) -> list[str]:
    """Return the ids of a person's team without themselves: a manager's reports, anybody else's peers."""
    reports = [person.id for person in people.values() if person.manager == viewer.id]
    if reports or viewer.manager is None:
        return reports
    return [person.id for person in people.values() if person.manager == viewer.manager and person.id != viewer.id]


def book_of(viewer: Person, people: Mapping[str, Person]) -> list[str]:
    """Return whose accounts a person's book holds: their own, and for managers those of their reports and nobody's."""
    if viewer.role != "manager":
        return [viewer.id]
    return [viewer.id, *(person.id for person in people.values() if person.manager == viewer.id), ""]
