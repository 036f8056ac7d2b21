"""Who is due: asked for at the cost of those who are, in portions, and after the accounts with events."""

import random

from truenorth.clock import ManualClock
from truenorth.streams.due import OVERTAKEN_MIN, DueTimes
from truenorth.streams.records import decode_position
from truenorth.streams.settings import EngineSettings

from tests.shared.test_streams_engine import PARTITIONS, Bench, until
from tests.shared.test_streams_parts import cut_of, partition, records


def test_due_times_come_earliest_first_and_the_later_word_counts() -> None:
    due = DueTimes()
    due.put("a", 30)
    due.put("b", 10)
    due.put("c", 20)
    due.put("b", 25)
    due.put("c", None)
    assert [due.first_ms, due.take(25, 10), due.take(100, 10), due.first_ms] == [25, ["b"], ["a"], None]
    assert len(due) == 0


def test_due_times_are_taken_in_portions() -> None:
    due = DueTimes()
    due.fill((f"account-{number}", number) for number in range(10))
    assert due.take(100, 4) == ["account-0", "account-1", "account-2", "account-3"]
    assert len(due) == 6


def test_what_a_busy_account_overtook_does_not_pile_up() -> None:
    due = DueTimes()
    day_ms = 86_400_000
    for now_ms in range(0, 20_000_000, 1_000):  # decided every second: soon again, then when the day ends
        due.put("busy", now_ms + 1_000)
        due.put("busy", day_ms)
        assert due.entries <= 2 * len(due) + OVERTAKEN_MIN
    assert due.take(day_ms, 10) == ["busy"]
    assert due.first_ms is None


def test_asking_who_is_due_costs_as_much_as_are_due() -> None:
    due = DueTimes()
    looked: list[int] = []

    class Counted(int):
        def __lt__(self, other: int) -> bool:
            looked.append(1)
            return int(self) < int(other)

    due.fill((f"account-{number}", Counted(number)) for number in range(100_000))
    looked.clear()
    assert len(due.take(9, 1000)) == 10
    assert due.take(9, 1000) == []
    assert len(looked) < 1_000  # some thirty comparisons for each that is due, none for the others


def test_what_is_taken_at_random_is_what_a_plain_look_at_all_would_give() -> None:
    due, plain = DueTimes(), dict[str, int]()
    rng = random.Random(7)
    for _ in range(5_000):
        key, due_ms = f"account-{rng.randrange(50)}", rng.choice([None, rng.randrange(10_000)])
        due.put(key, due_ms)
        if due_ms is None:
            plain.pop(key, None)
        else:
            plain[key] = due_ms
        if rng.random() < 0.1:
            until_ms = rng.randrange(3_000)
            expected = sorted((at_ms, one) for one, at_ms in plain.items() if at_ms <= until_ms)[:5]
            assert due.take(until_ms, 5) == [one for _, one in expected]
            for _, one in expected:
                del plain[one]
    assert len(due) == len(plain)


async def test_a_cut_takes_accounts_with_events_first_and_a_portion_of_those_that_are_due() -> None:
    clock = ManualClock(86_400_000)
    one, _ = partition(clock=clock)
    one.take(0, records(0, [f"account-{number}" for number in range(100)]))
    await cut_of(one)
    for number in range(100):
        one.due.put(f"account-{number}", 1_000)
    one.take(0, records(100, ["awake"]))
    cut = await cut_of(one, 86_400_000, due_max=10)
    assert cut.outputs[0].key == b"awake"
    assert (cut.accounts, len(one.due)) == (11, 90)


class WorkingClock(ManualClock):
    """Every look at it takes a millisecond."""

    def monotonic(self) -> float:
        self.advance(seconds=0.001)
        return super().monotonic()


async def test_accounts_without_events_get_a_bounded_time_of_a_cut_and_each_cut_gets_on() -> None:
    clock = WorkingClock(86_400_000)
    one, _ = partition(clock=clock)
    one.take(0, records(0, [f"account-{number}" for number in range(100)]))
    await cut_of(one, silent_s_max=0)
    for number in range(100):
        one.due.put(f"account-{number}", 1_000)
    one.decide_all("new")
    cut = await cut_of(one, 86_400_000, redecide_max=100, silent_s_max=0.05)
    assert 0 < cut.accounts < 50
    assert len(one.due) == 100 - cut.accounts
    assert decode_position(cut.changelog[-1].value or b"").decided == ""
    for left in range(len(one.due), 0, -1):
        assert len(one.due) == left
        await cut_of(one, 86_400_000, redecide_max=100, silent_s_max=0)
    for _ in range(100):
        assert one.redeciding
        last = await cut_of(one, 86_400_000, redecide_max=100, silent_s_max=0)
    assert not one.redeciding
    assert decode_position(last.changelog[-1].value or b"").decided == "new"


async def test_an_event_does_not_wait_for_all_that_are_due() -> None:
    silent = [f"account-{number}" for number in range(120)]
    bench = Bench(silence_ms=60_000)
    for account in silent:
        bench.send(account)
    settings = EngineSettings(due_accounts_max=8)
    async with bench.running(bench.engine(settings)) as task:
        await until(lambda: len(bench.revisions()) == len(silent), task)
        bench.clock.advance(days=1)
        await until(lambda: 2 in map(len, bench.revisions().values()), task)
        flushes = bench.counters.flushes
        bench.send("awake")
        await until(lambda: "awake" in bench.revisions(), task)
        decided = sum(len(revisions) == 2 for revisions in bench.revisions().values())
        assert decided < len(silent) / 2
        assert decided <= (bench.counters.flushes + 1) * settings.due_accounts_max // PARTITIONS
        assert flushes > 0
        await until(lambda: all(len(bench.revisions()[account]) == 2 for account in silent), task)
