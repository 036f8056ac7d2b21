"""Putting definitions in force: what `truenorth apply` does, for programs."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from importlib.metadata import entry_points
from typing import Final

from truenorth import topics
from truenorth.clock import Clock
from truenorth.definitions import bundle
from truenorth.definitions.folding import Shelf
from truenorth.definitions.model import Bundle, Definitions
from truenorth.errors import RefusedError, TruenorthError
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic

Refused = Callable[[RefusedError], None]
"""Told about every bad record on the topic."""

Preview = Callable[[str, Bundle | None, Definitions], Awaitable[list[str]]]
"""Says what definitions would do: of a bootstrap address, what is in force and what is proposed, lines for people."""

PREVIEWS: Final = "truenorth.previews"
"""The entry point group in which services offer their `Preview`; the shared code knows none of them."""


async def read_shelf(bootstrap: str, refused: Refused) -> Shelf:
    """Return what the definitions topic holds now."""
    shelf = Shelf()
    async with aclosing(read_topic(bootstrap, topics.full_name("definitions"))) as records:
        async for record in records:
            try:
                shelf.take(record.key, record.value)
            except RefusedError as error:
                refused(error)
    return shelf


async def effects(
    bootstrap: str, current: Bundle | None, proposed: Definitions, *, previews: Sequence[Preview] | None = None
) -> list[str]:
    """Return what all installed services say that ``proposed`` would do, before anything is done.

    A preview that cannot be made is told as such: it must not keep anybody from putting a correction in force.
    """
    lines: list[str] = []
    for preview in installed_previews() if previews is None else previews:
        try:
            lines += await preview(bootstrap, current, proposed)
        except TruenorthError as error:
            lines.append(f"the effect on the present state is not known: {error}")
    return lines


def installed_previews() -> list[Preview]:
    """Return the previews of all installed services, by name."""
    return [point.load() for point in sorted(entry_points(group=PREVIEWS), key=lambda point: point.name)]


async def put_in_force(bootstrap: str, definitions: Definitions, *, current: Bundle | None, clock: Clock) -> Bundle:
    """Write the bundle, then the record that puts it in force; return it. Acknowledged when this returns.

    Raises:
        TransientError: when the broker did not acknowledge; applying again is harmless.
    """
    ordinal = 1 if current is None else current.ordinal + 1
    made = bundle.make_bundle(definitions, ordinal=ordinal, applied_ms=clock.now_ms())
    topic = topics.full_name("definitions")
    producer = LanesProducer(bootstrap, clock=clock, client_id="truenorth-apply")
    await producer.start()
    try:
        for key, value in (bundle.encode_bundle(made), bundle.encode_current(made)):
            await producer.send_many([Outgoing(topic, key, value)])
    finally:
        await producer.stop()
    return made
