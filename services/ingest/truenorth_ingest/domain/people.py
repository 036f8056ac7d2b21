"""Which payloads speak of people, and the same payload with pseudonyms in their place."""

import msgspec

from truenorth.events.inputs import ChampionLeft, ContactUpdated, SurveyAnswered, UsageRecorded
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import ErasureRequested
from truenorth_ingest.domain.pseudonyms import Pseudonyms


def with_pseudonyms(payload: PayloadStruct, people: Pseudonyms) -> PayloadStruct:
    """Return the payload with every person's id replaced.

    One person has one pseudonym in all families, so a contact's name (on `contacts` alone) can be put beside
    what the same person did, and an erasure finds all of it.

