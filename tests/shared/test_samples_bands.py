"""The simulated book as health sees it: every band is in it, and the first live minute crosses lines."""

from collections import Counter

import pytest
from truenorth.clock import day_of
from truenorth.definitions import bundle
from truenorth.definitions.parse import load_directory
from truenorth.events import Event
from truenorth.events.catalogue import TYPE_OF_PAYLOAD, family_of
from truenorth.events.health import HealthUpdated
from truenorth.samples.book import BookAccount, make_book
from truenorth.samples.events import SampleEvent
from truenorth.samples.history import past_of, said_by_csms
from truenorth.samples.live import Traffic
from truenorth.samples.scenes import scenes_of
from truenorth.topics import HEALTH_SOURCES
from truenorth_health.domain.compiled import Compiled, compile_definitions
from truenorth_health.domain.decide import decide
from truenorth_health.domain.fold import fold
from truenorth_health.domain.state import AccountState, new_state
from truenorth_health.domain.view import View, look

from .test_definitions_parse import CONFIG

NOW_MS = 1_795_370_000_000


class Seen:
    """A book folded and scored with the example definitions."""

    def __init__(self, book: list[BookAccount], *, seed: int) -> None:
        made = bundle.make_bundle(load_directory(CONFIG), ordinal=1, applied_ms=NOW_MS)
        self.compiled: Compiled = compile_definitions(made)
        self.states: dict[str, AccountState] = {}
        said = said_by_csms(book, seed=seed, now_ms=NOW_MS)
        for event in (*past_of(book, days=60, seed=seed, now_ms=NOW_MS), *said):
            self.take(event)

    def take(self, event: SampleEvent) -> None:
        kind = TYPE_OF_PAYLOAD[type(event.data)]
        if (family := family_of(kind)) not in HEALTH_SOURCES:
            return
        state = self.states.setdefault(event.account, new_state(event.account))
        known = Event(event.id, "test", kind, event.account, event.time_ms, NOW_MS, event.data, event.backfill)
        fold(state, HEALTH_SOURCES.index(family), known, NOW_MS)

    def view(self, account: str) -> View | None:
        return look(self.states.setdefault(account, new_state(account)), self.compiled, NOW_MS)

    def band(self, account: str) -> str:
        view = self.view(account)
        if view is None or view.score is None:
            return "unknown"
        cuts = view.card.source.bands
        return "red" if view.score < cuts.red.enter else "yellow" if view.score < cuts.yellow.enter else "green"

    def snapshot(self, account: str) -> HealthUpdated:
        decided = decide(self.states[account], self.compiled, offsets={}, now_ms=NOW_MS)
        assert decided.snapshot is not None
        return decided.snapshot


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_a_book_spreads_over_all_bands(seed: int) -> None:
    book = make_book(accounts=60, seed=seed)
    seen = Seen(book, seed=seed)
    bands = Counter(seen.band(account.id) for account in book)
    assert set(bands) == {"green", "yellow", "red", "unknown"}
    assert bands["green"] > bands["yellow"] > bands["red"] >= 3


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_the_first_live_minute_turns_accounts_red_and_one_back(seed: int) -> None:
    book = make_book(accounts=60, seed=seed)
    seen = Seen(book, seed=seed)
    traffic = Traffic(book, seed=seed, start_ms=NOW_MS)
    crossings: Counter[tuple[str, str]] = Counter()
    for scene in scenes_of(book, today=day_of(NOW_MS), run="test"):
        before = seen.band(scene.account)
        for data in scene.events:
            seen.take(traffic.event(scene.account, data, NOW_MS))
        crossings[before, seen.band(scene.account)] += 1
    assert crossings["yellow", "red"] >= 2
    assert crossings["green", "yellow"] >= 1
    assert crossings["red", "green"] + crossings["red", "yellow"] >= 1


def test_the_stories_look_as_they_are_told() -> None:
    book = make_book(accounts=25, seed=1)
    seen = Seen(book, seed=1)
    bands = {account.story.name: seen.band(account.id) for account in reversed(book)}
    assert bands["leaving"] == bands["silent-trial"] == "red"
    assert bands["steady"] == bands["advocate"] == bands["watermelon"] == "green"
    assert bands["unplugged"] == "unknown"
    assert bands["borderline"] == bands["p1-open"] == bands["champion-left"] == "yellow"


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_the_stories_open_the_findings_they_are_named_after(seed: int) -> None:
    book = make_book(accounts=30, seed=seed)
    seen = Seen(book, seed=seed)
    snapshots = [(account, seen.snapshot(account.id)) for account in book if account.story.churned is None]
    found = {account.story.name: {one.id for one in told.findings} for account, told in reversed(snapshots)}
    assert "watermelon" in found["watermelon"]
    assert "misfit" in found["misfit"]
    assert "champion_gone" in found["champion-left"]
    assert "single_threaded" in found["single-threaded"]
    assert "no_recent_data" in found["unplugged"]
    assert found["steady"] == found["advocate"] == found["group"] == set()
    ladder = {account.story.name: told.ladder.level for account, told in snapshots if told.ladder is not None}
    assert (ladder["advocate"], ladder["leaving"]) == ("advocacy", "none")
    assert {told.facts["parent_id"].value for _, told in snapshots if "parent_id" in told.facts} == {"acct-1026"}


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_no_account_stands_on_a_cut(seed: int) -> None:
    book = make_book(accounts=60, seed=seed)
    seen = Seen(book, seed=seed)
    scores = [told.score for account in book if account.id in seen.states and (told := seen.view(account.id))]
    assert all(abs(score - cut) > 2 for score in scores if score is not None for cut in (40, 70))
