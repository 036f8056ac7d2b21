"""Usage: day buckets with bitmaps of who and what, 91 days back from the newest day seen."""

from bisect import bisect_left
from hashlib import blake2b

from truenorth.events import Event
from truenorth.events.inputs import UsageRecorded

from truenorth_health.domain.limits import (
    ACTORS_MAX,
    DAY_MS,
    DURATION_SECONDS_MAX,
    ERASURE_GRACE_MS,
    ERRORS_MAX,
    FEATURES_MAX,
    MODULES_MAX,
    USAGE_DAYS_KEPT,
)
from truenorth_health.domain.parts import (
    Erasures,
    Usage,
    UsageCounts,
    UsageDay,
    UsageMembers,
    UsageNames,
    UsagePast,
)
from truenorth_health.domain.sampling import HASH_BYTES, is_sampled, make_room
from truenorth_health.domain.state import AccountState


def recorded(state: AccountState, event: Event, time_ms: int, record_ms: int) -> None:
    """Fold ``usage.recorded``."""
    data: UsageRecorded = event.data
    usage = state.write(Usage)
    usage.events += 1
    usage.last_ms = max(usage.last_ms, time_ms)
    day = time_ms // DAY_MS
    bucket, counts = usage.today, usage.counts
    slot = state.feature_slots().get(data.feature, -1)
    if day != bucket.day or slot not in counts:  # else: a feature that was used today before
        slot = _feature_slot(state, usage, data.feature, day)
        if day > bucket.day:
            _roll(state, usage, day)
            bucket, counts = usage.today, usage.counts
        elif day <= bucket.day - USAGE_DAYS_KEPT:
            usage.late += 1
            return
        elif day < bucket.day:
            bucket, counts = _past_day(state, day)
            usage.past_changes += 1
        if slot >= 0:
            counts.setdefault(slot, 0)
            set_bit(bucket.features, slot)
    bucket.count += data.count
    if data.duration_seconds:
        bucket.seconds += min(data.duration_seconds, DURATION_SECONDS_MAX)
    if data.errors:
        bucket.errors += min(data.errors, ERRORS_MAX)
    if slot >= 0:
        counts[slot] += data.count
    _note_who(state, usage, bucket, data, record_ms)


def _note_who(state: AccountState, usage: Usage, bucket: UsageDay, data: UsageRecorded, record_ms: int) -> None:
    """Set the bits of the person and of the module."""
    if data.actor is not None:
        member = _member_slot(state, usage, data.actor, record_ms)
        if member >= 0:
            set_bit(bucket.actors, member)
    if data.module is not None:
        module = _module_slot(state, usage, data.module)
        if module >= 0:
            set_bit(bucket.modules, module)


def set_bit(bits: bytearray, slot: int) -> None:
    """Set one bit, growing the bitmap as needed."""
    index = slot >> 3
    if index >= len(bits):
        bits.extend(bytes(index + 1 - len(bits)))
    bits[index] |= 1 << (slot & 7)


def _feature_slot(state: AccountState, usage: Usage, feature: str, day: int) -> int:
    slots = state.feature_slots()
    slot = slots.get(feature)
    if slot is not None:
        if day < state.read(UsageNames).first_days[slot]:
            state.write(UsageNames).first_days[slot] = day
        return slot
    if len(slots) >= FEATURES_MAX:
        usage.features_over += 1
        return -1
    names = state.write(UsageNames)
    slots[feature] = slot = len(names.features)
    names.features.append(feature)
    names.first_days.append(day)
    return slot


def _module_slot(state: AccountState, usage: Usage, module: str) -> int:
    names = state.read(UsageNames).modules
    if module in names:
        return names.index(module)
    if len(names) >= MODULES_MAX:
        usage.modules_over += 1
        return -1
    state.write(UsageNames).modules.append(module)
    return len(names) - 1


def member_hash(member: str) -> bytes:
    """Return the 8 bytes an actor is kept as (the bytes of `truenorth.ids.short_hash`)."""
    return blake2b(member.encode(), digest_size=HASH_BYTES).digest()


def find_member(hashes: bytearray, key: bytes) -> int:
    """Return the slot of a member, or -1."""
    at = hashes.find(key)
    while at >= 0 and at % HASH_BYTES:
        at = hashes.find(key, at + 1)
    return at // HASH_BYTES if at >= 0 else -1


def _member_slot(state: AccountState, usage: Usage, actor: str, record_ms: int) -> int:
    key = member_hash(actor)
    slot = find_member(state.read(UsageMembers).hashes, key)
    if slot >= 0:
        return slot
    if state.has_erasures:
        erased_ms = state.read(Erasures).members.get(int.from_bytes(key, "big"))
        if erased_ms is not None and record_ms <= erased_ms + ERASURE_GRACE_MS:
            return -1
    members = state.read(UsageMembers)
    if is_sampled(key, members.shift) and len(members.hashes) >= ACTORS_MAX * HASH_BYTES:
        make_room(state)
    if not is_sampled(key, members.shift):
        usage.actors_over += 1
        return -1
    state.write(UsageMembers).hashes += key
    return len(members.hashes) // HASH_BYTES - 1


def _roll(state: AccountState, usage: Usage, day: int) -> None:
    """Seal the newest day and open ``day``; forget what is older than the days kept."""
    oldest = day - USAGE_DAYS_KEPT + 1
    past = state.read(UsagePast)
    sealed = usage.today
    if sealed.day >= 0:
        past = state.write(UsagePast)
        past.days = [row for row in past.days if row.day >= oldest]
        counts = state.write(UsageCounts)
        counts.days = {then: kept for then, kept in counts.days.items() if then >= oldest}
        if sealed.day >= oldest:
            past.days.append(sealed)
            counts.days[sealed.day] = usage.counts
    usage.today = UsageDay(day)
    usage.counts = {}
    usage.past_changes += 1


def _past_day(state: AccountState, day: int) -> tuple[UsageDay, dict[int, int]]:
    """Return the bucket and counts of a day before the newest, made when they are not there."""
    days = state.write(UsagePast).days
    at = bisect_left(days, day, key=_day_of)
    if at == len(days) or days[at].day != day:
        days.insert(at, UsageDay(day))
    return days[at], state.write(UsageCounts).days.setdefault(day, {})


def _day_of(row: UsageDay) -> int:
    return row.day


def forget_member(state: AccountState, key: bytes) -> None:
    """Take an erased actor out of every bitmap; the slot keeps a hash of nobody, so that the others keep theirs."""
    slot = find_member(state.read(UsageMembers).hashes, key)
    if slot < 0:
        return
    state.write(UsageMembers).hashes[slot * HASH_BYTES : (slot + 1) * HASH_BYTES] = bytes(HASH_BYTES)
    state.write(Usage).past_changes += 1
    for row in [*state.write(UsagePast).days, state.write(Usage).today]:
        if slot >> 3 < len(row.actors):
            row.actors[slot >> 3] &= ~(1 << (slot & 7)) & 0xFF
