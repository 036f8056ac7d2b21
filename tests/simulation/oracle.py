"""What must be so: folds the inputs by itself and compares state and outputs with that."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
from truenorth.streams.kept import Kept

from tests.simulation.apply import committed
from tests.simulation.program import (
    CHANGELOG,
    DEAD,
    ERASURES,
    LEVEL,
    SILENCE_MS,
    SOURCES,
    Change,
    Event,
    Program,
    State,
    is_guest,
    parse,
    parse_change,
)
from tests.simulation.world import World

Input = tuple[int, Event, int, int]
"""Offset, event, when it was appended, when it could be read (epoch ms)."""


def inputs(world: World) -> dict[str, list[list[Input]]]:
    """Return what was sent, per account and source, without duplicates and without what cannot be processed."""
    world.look()
    found: dict[str, list[list[Input]]] = defaultdict(lambda: [[] for _ in SOURCES])
    for source, topic in enumerate(SOURCES):
        for number in range(world.partitions):
            seen: set[str] = set()
            place = topic, number
            for offset in sorted(world.archive[place]):
                record = world.archive[place][offset]
                if (*place, offset) in world.poison:
                    continue
                event = parse(record.value or b"")
                if event.id not in seen:
                    seen.add(event.id)
                    entry = offset, event, record.timestamp_ms, world.visible_ms[place][offset]
                    found[event.account][source].append(entry)
    return found


def fold(account: str, sent: Sequence[Sequence[Input]], offsets: Sequence[int] | None = None) -> State:
    """Fold the inputs of an account, as far as the offsets."""
    state = State(account)
    for source, entries in enumerate(sent):
        for offset, event, appended_ms, _ in entries:
            if offsets is None or offset <= offsets[source]:
                state.accept(event, appended_ms, source)
    for events in state.events:
        events.sort(key=lambda one: one.appended_ms)
    return state


def kept_states(world: World) -> dict[str, State]:
    """Return the states as a restore would find them."""
    states = {}
    for number in range(world.partitions):
        kept = Kept(core=Program.core, sources=len(SOURCES))
        kept.take(world.broker.records[CHANGELOG, number])
        kept.restored()
        for account in kept.owns:
            own = kept.own(account)
            states[account] = Program(0, own.schema if own else 1).load(account, kept.load(account, own))
    return states


def is_read(world: World) -> bool:
    """Tell whether everything that was sent has been taken in and committed."""
    for number in range(world.partitions):
        positions = committed(world, number)
        for topic in SOURCES:
            place = topic, number
            if positions.get(topic, 0) < max(world.archive.get(place, {}), default=-1) + 1:
                return False
    return True


def differences(world: World) -> list[str]:
    """Return what is wrong with the states; empty when all is well and nothing is outstanding."""
    sent, states = inputs(world), kept_states(world)
    wrong = [
        f"{account}: kept, but nothing was sent"
        for account in set(states) - set(sent)
        if states[account].total or states[account].path.number
    ]
    for account, entries in sorted(sent.items()):
        expected, found = fold(account, entries), states.get(account)
        if is_guest(account):
            if (found.total if found else 0) != expected.total:
                wrong.append(f"{account}: total {found and found.total}, expected {expected.total}")
            if found is not None and found.total == 0:
                wrong.append(f"{account}: was not forgotten")
            continue
        if found is None:
            wrong.append(f"{account}: not kept")
            continue
        wrong += [f"{account}: {told}" for told in _unlike(found, expected, world.ordinal)]
    return wrong


def _unlike(found: State, expected: State, ordinal: int) -> list[str]:
    """Return in what a kept state is not what it should be in the end."""
    wrong = []
    for source, name in enumerate(SOURCES[:ERASURES]):
        if sorted(map(_values, found.events[source])) != sorted(map(_values, expected.events[source])):
            wrong.append(f"{name} {found.events[source]}, expected {expected.events[source]}")
    path = found.path
    pairs = [
        ("level", path.level, expected.total // LEVEL),
        ("ordinal", path.ordinal, ordinal),
    ]
    if expected.heard_ms:
        pairs.append(("silence declared for", path.silent_for_ms, expected.heard_ms))
    return wrong + [f"{field} {is_}, expected {should}" for field, is_, should in pairs if is_ != should]


def _values(one: msgspec.Struct) -> tuple[object, ...]:
    return msgspec.structs.astuple(one)


def wrong_outputs(world: World, *, whole: bool = True) -> list[str]:
    """Return what is wrong with what was published; ``whole``: the states are final and nothing may be missing."""
    sent, wrong = inputs(world), []
    changes: dict[str, list[Change]] = defaultdict(list)
    for record in world.outputs():
        changes[(record.key or b"").decode()].append(parse_change(record.value or b""))
    for account, of_account in changes.items():
        for number, change in enumerate(of_account, 1):
            before = of_account[number - 2] if number > 1 else None
            wrong += [f"{account}: {told}: {change}" for told in _wrong(world, change, number, before, sent[account])]
    if whole:
        for account, state in kept_states(world).items():
            if state.path.number != len(changes[account]):
                wrong.append(f"{account}: {len(changes[account])} changes published, {state.path.number} made")
    return wrong


def _wrong(
    world: World, change: Change, number: int, before: Change | None, sent: Sequence[Sequence[Input]]
) -> list[str]:
    wrong = []
    if change.number != number:
        wrong.append(f"number should be {number}")
    if change.before != (before.after if before else 0):
        wrong.append("does not follow from the one before")
    if before and (change.ordinal < before.ordinal or change.now_ms < before.now_ms):
        wrong.append("definitions or time ran backwards")
    then = fold(change.account, sent, change.offsets)
    if (change.total, change.heard_ms) != (then.total, then.heard_ms):
        wrong.append(f"at these offsets it was {then.total} and {then.heard_ms}")
    if change.after != change.total // LEVEL:
        wrong.append("is not what was to be decided")
    if change.why == "silence":
        due_ms = change.heard_ms + SILENCE_MS - world.ahead_ms
        for source, entries in enumerate(sent):
            for offset, event, _, visible_ms in entries:
                if offset > change.offsets[source] and visible_ms < due_ms:
                    wrong.append(f"silent although {event} could be read {due_ms - visible_ms} ms before")
    return wrong


def wrong_letters(world: World) -> list[str]:
    """Return what is wrong with the dead letters: each record that cannot be processed has one."""
    found: dict[tuple[str, int, int], int] = defaultdict(int)
    for record in world.all_records(DEAD):
        said: Mapping[str, object] = json.loads(record.value or b"")
        found[str(said["topic"]), int(str(said["partition"])), int(str(said["offset"]))] += 1
    expected = dict.fromkeys(world.poison, 1)
    return [] if found == expected else [f"dead letters {dict(found)}, expected {expected}"]
