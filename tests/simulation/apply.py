"""What each kind of deed does to a world."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from truenorth.kafka import partition_of
from truenorth.streams.records import POSITION_KEY, decode_position

from tests.simulation.deeds import WORKERS_MAX, Deed
from tests.simulation.program import CHANGELOG, SOURCES, Event
from tests.simulation.worker import GROUP
from tests.simulation.world import World

T = TypeVar("T")

ACCOUNTS = [f"account-{number}" for number in range(8)]
GUESTS = ["guest-0", "guest-1"]
EVENT_SOURCES = SOURCES[:2]
TOMBSTONES_KEPT_MS = 60_000
RETENTION_S = 15.0


def apply(world: World, deed: Deed) -> None:
    """Do it."""
    _DEEDS[deed.kind](world, deed)
    world.look()
    _note_positions(world)


def committed(world: World, number: int) -> dict[str, int]:
    """Return the positions that the changelog of a partition holds."""
    for record in reversed(world.broker.records[CHANGELOG, number]):
        if record.key == POSITION_KEY:
            return dict(decode_position(record.value or b"").sources)
    return {}


def _chosen(some: Sequence[T], deed: Deed) -> T | None:
    return some[deed.pick % len(some)] if some else None


def _event(world: World, lot: random.Random, event_id: str, account: str, amount: int) -> Event:
    late_ms = lot.choice([0, 0, 0, 5_000, 86_400_000, -3_600_000])  # the last comes from the future
    return Event(account, event_id, world.clock.now_ms() - late_ms, amount)


def _send(world: World, deed: Deed) -> None:
    lot = random.Random(deed.seed)
    for number in range(deed.amount):
        topic = lot.choice(EVENT_SOURCES)
        event = _event(world, lot, f"{deed.seed:x}-{number}", lot.choice(ACCOUNTS), lot.choice([1, 1, 2, 5]))
        world.append(topic, event)
        world.sent.append((topic, event))


def _guests(world: World, deed: Deed) -> None:
    lot = random.Random(deed.seed)
    for number in range(deed.amount):
        event = Event(lot.choice(GUESTS), f"{deed.seed:x}-{number}", world.clock.now_ms(), lot.choice([1, -1]))
        world.append(lot.choice(EVENT_SOURCES), event)


def _duplicate(world: World, deed: Deed) -> None:
    if (found := _chosen(world.sent[-12:], deed)) is not None:
        world.append(*found)


def _poison(world: World, deed: Deed) -> None:
    topic = EVENT_SOURCES[deed.pick % 2]
    account = ACCOUNTS[deed.pick % len(ACCOUNTS)]
    place = topic, partition_of(account.encode(), world.partitions)
    world.poison.append((*place, world.broker.ends[place]))
    if deed.amount % 2:
        world.broker.append(place, account.encode(), b"{")
    else:
        world.append(topic, Event(account, f"{deed.seed:x}", world.clock.now_ms(), 0))


def _erase(world: World, deed: Deed) -> None:
    account = ACCOUNTS[deed.pick % len(ACCOUNTS)]
    sent_ms = world.clock.now_ms() - (deed.amount % 3) * 2_000
    world.append(SOURCES[2], Event(account, f"{deed.seed:x}", sent_ms))


def _hold(world: World, deed: Deed) -> None:
    lot = random.Random(deed.seed)
    events = [_event(world, lot, f"{deed.seed:x}-{number}", lot.choice(ACCOUNTS), 1) for number in range(deed.amount)]
    world.hold(EVENT_SOURCES[deed.pick % 2], events, f"sender-{deed.pick % 2}")


def _release(world: World, deed: Deed) -> None:
    for name in list(world.holding):
        del world.holding[name]
        world.broker.finish(name, committed=bool(deed.amount % 3))


def _wait(world: World, deed: Deed) -> None:
    world.run_for(deed.amount / 1000)


def _start(world: World, deed: Deed) -> None:
    if len(world.of("up", "paused")) < WORKERS_MAX:
        world.start(max(1, world.ordinal - deed.pick % 3))


def _stop(world: World, deed: Deed) -> None:
    worker = _chosen(world.of("up"), deed)
    if worker is not None and not worker.stopping:
        worker.stopping = True
        context = worker.context.copy()
        world.loop.create_task(worker.engine.stop(), context=context)


def _crash(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("up", "paused"), deed)) is not None:
        world.crash(worker)


def _pause(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("up"), deed)) is not None:
        world.pause(worker, deed.amount / 1000)


def _resume(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("paused"), deed)) is not None:
        world.resume(worker)


def _expel(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("up", "paused", "dead"), deed)) is not None:
        world.expel(worker)


def _rebalance(world: World, deed: Deed) -> None:
    del deed
    world.broker.group(GROUP).rebalance()


def _trap(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("up"), deed)) is not None:
        point, act = deed.text.split("/")
        worker.traps.append((point, act, deed.amount))


def _away(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("up"), deed)) is not None:
        worker.away_until_s = world.loop.time() + deed.amount / 1000


def _flaky(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("up"), deed)) is not None:
        worker.flaky_until_s = world.loop.time() + deed.amount / 1000


def _time_out(world: World, deed: Deed) -> None:
    del deed
    world.holding.clear()
    world.broker.time_out()


def _compact(world: World, deed: Deed) -> None:
    until = {number: world.broker.ends[CHANGELOG, number] * deed.amount // 100 for number in range(world.partitions)}
    world.broker.compact(CHANGELOG, until=until, tombstones_until_ms=world.clock.now_ms() - TOMBSTONES_KEPT_MS)


def _note_positions(world: World) -> None:
    """Remember now and then what was committed, for retention."""
    now_s = world.loop.time()
    if not world.noted or now_s - world.noted[-1][0] > RETENTION_S / 4:
        places = {
            (topic, number): at for number in range(world.partitions) for topic, at in committed(world, number).items()
        }
        world.noted.append((now_s, places))


def _retain(world: World, deed: Deed) -> None:
    """Delete what was committed long ago and nobody still reads: retention is far longer than any pause."""
    del deed
    world.look()
    before_s = world.loop.time() - RETENTION_S
    readers = [worker.log.reader for worker in world.of("up", "paused") if worker.log.reader is not None]
    for noted_s, positions in world.noted:
        for place, position in positions.items() if noted_s <= before_s else ():
            begin = min([position, *[reader._positions.get(place, position) for reader in readers]])
            if begin > world.broker.begins[place]:
                world.broker.trim(place, begin)


def _jump(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("up", "paused"), deed)) is not None:
        worker.clock.offset_ms += deed.amount
        world.ahead_ms = max(world.ahead_ms, worker.clock.offset_ms)


def _redeliver(world: World, deed: Deed) -> None:
    worker = _chosen(world.of("up"), deed)
    reader = worker.log.reader if worker else None
    if reader is None:
        return
    for place, position in list(reader._positions.items()):
        back = max(world.broker.begins[place], position - deed.amount)
        world.redelivered += len(world.broker.readable(place, back, position - back))
        reader._positions[place] = back


def _define(world: World, deed: Deed) -> None:
    """Publish new definitions; one worker gets to know them at once."""
    world.ordinal += 1
    _learn(world, deed)


def _learn(world: World, deed: Deed) -> None:
    if (worker := _chosen(world.of("up"), deed)) is not None:
        worker.learn(world.ordinal)


def _upgrade(world: World, deed: Deed) -> None:
    """Workers that start from now on are of the next version, which writes the state in another way."""
    world.schema = 2
    _start(world, deed)


_DEEDS: dict[str, Callable[[World, Deed], None]] = {
    "send": _send,
    "guests": _guests,
    "duplicate": _duplicate,
    "poison": _poison,
    "erase": _erase,
    "hold": _hold,
    "release": _release,
    "wait": _wait,
    "start": _start,
    "stop": _stop,
    "crash": _crash,
    "pause": _pause,
    "resume": _resume,
    "expel": _expel,
    "rebalance": _rebalance,
    "trap": _trap,
    "away": _away,
    "flaky": _flaky,
    "time_out": _time_out,
    "compact": _compact,
    "retain": _retain,
    "jump": _jump,
    "redeliver": _redeliver,
    "define": _define,
    "learn": _learn,
    "upgrade": _upgrade,
}
