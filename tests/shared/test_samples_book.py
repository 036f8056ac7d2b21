"""The simulated book: the same seed makes the same past, with the stories people know."""

import httpx
import msgspec
import pytest
from truenorth.clock import ManualClock, day_of
from truenorth.definitions.parse import load_directory
from truenorth.events import inputs
from truenorth.events.catalogue import CATALOGUE, TYPE_OF_PAYLOAD
from truenorth.samples.book import FEATURES, PLANS, make_book
from truenorth.samples.events import SampleEvent
from truenorth.samples.history import past_of
from truenorth.samples.live import Happens, play
from truenorth.samples.owners import OWNERS
from truenorth.samples.scenes import scenes_of
from truenorth.samples.sender import EventSender
from truenorth.samples.stories import FIRST, STORIES

from .test_definitions_parse import CONFIG

NOW_MS = 1_795_370_000_000


def made(accounts: int = 20, seed: int = 1) -> list[SampleEvent]:
    return past_of(make_book(accounts=accounts, seed=seed), days=60, seed=seed, now_ms=NOW_MS, contacts=True)


def test_the_same_seed_makes_the_same_past() -> None:
    assert made() == made()


def test_another_seed_makes_another_past() -> None:
    assert [event.data for event in made()] != [event.data for event in made(seed=2)]


def test_ids_are_distinct_and_payloads_are_what_the_edge_takes() -> None:
    events = made()
    assert len({event.id for event in events}) == len(events)
    for event in events:
        payload = CATALOGUE[TYPE_OF_PAYLOAD[type(event.data)]]
        assert msgspec.convert(msgspec.to_builtins(event.data), payload) == event.data


def test_the_past_is_backfill_account_by_account_in_time_order_and_never_ahead_of_now() -> None:
    events = made()
    past = [event for event in events if event.backfill]
    assert len(events) - len(past) == 20
    places = [(event.account, event.time_ms) for event in past]
    assert places == sorted(places)
    assert max(event.time_ms for event in events) <= NOW_MS


def test_a_small_book_has_every_story() -> None:
    assert {account.story.name for account in make_book(accounts=len(FIRST), seed=3)} == {
        story.name for story in STORIES
    }


def test_names_and_ids_are_distinct_in_a_large_book() -> None:
    book = make_book(accounts=2_000, seed=1)
    assert len(book) == 2_000
    assert len({account.name for account in book}) == len({account.id for account in book}) == 2_000


def test_the_book_fits_the_example_definitions() -> None:
    definitions = load_directory(CONFIG)
    assert {person.id for person in definitions.people} >= set(OWNERS)
    assert {plan.id: tuple(plan.modules) for plan in definitions.plans} == PLANS
    assert set(FEATURES) == set(PLANS["Enterprise"])


@pytest.mark.parametrize("accounts", [1, 5, 60])
def test_scenes_need_no_particular_book(accounts: int) -> None:
    book = make_book(accounts=accounts, seed=1)
    scenes = scenes_of(book, today=day_of(NOW_MS), run="1")
    assert [scene.after_s for scene in scenes] == sorted(scene.after_s for scene in scenes)
    assert all(scene.events for scene in scenes)
    assert all(scene.after_s < 60 for scene in scenes)


def test_the_onboarding_account_has_four_features_on_day_eleven() -> None:
    book = [account for account in make_book(accounts=20, seed=1) if account.story.name == "onboarding"][:1]
    past = past_of(book, days=60, seed=1, now_ms=NOW_MS)
    used = {event.data.feature for event in past if isinstance(event.data, inputs.UsageRecorded)}
    assert len(used) == 4
    assert book[0].age_days == 10


async def test_live_traffic_keeps_its_rate_and_plays_its_scenes() -> None:
    posted: list[dict[str, object]] = []
    told: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        events = msgspec.json.decode(request.content)
        posted.extend(events)
        return httpx.Response(200, json={"accepted": len(events), "rejected": []})

    clock = ManualClock(NOW_MS)
    transport = httpx.MockTransport(answer)
    book = make_book(accounts=24, seed=1)
    async with EventSender("http://ingest", "k", source="s", clock=clock, transport=transport) as sender:
        happens = Happens(rate=10, told=told.append, refused=lambda *_: None, seconds=60)
        await play(book, happens, sender=sender, clock=clock, seed=1)
    scenes = scenes_of(book, today=day_of(NOW_MS), run=str(NOW_MS))
    assert len(told) == len(scenes)
    assert len(posted) == pytest.approx(600 + sum(len(scene.events) for scene in scenes), abs=10)
    assert len({event["id"] for event in posted}) == len(posted)
    assert not any("backfill" in event for event in posted)
