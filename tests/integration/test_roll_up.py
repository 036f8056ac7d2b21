"""A parent's score follows its children's, across partitions, on a real broker."""

import pytest
from truenorth.events.health import HealthUpdated
from truenorth.events.inputs import AccountChurned, AccountUpdated, TicketOpened
from truenorth.kafka.records import partition_of
from truenorth.topics import PARTITIONS_DEFAULT

from tests.e2e.platform import eventually
from tests.integration.one_worker import OneWorker, one_worker

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

DEFINITIONS = """
scorecards:
  - id: plain
    coverage_floor: 0
    bands: {red: {enter: 40, leave: 45}, yellow: {enter: 70, leave: 75}}
    roll_up: {how: mean, include_parent: false}
    dimensions:
      - id: support
        name: Support
        weight: 1
        measures:
          - {id: open, name: Open, signal: open_tickets, weight: 1, linear: {worst: 10, best: 0}}
"""


def open_tickets(worker: OneWorker, account: str, *tickets: str) -> None:
    for ticket in tickets:
        worker.tell("tickets", **{account: TicketOpened(f"{account}-{ticket}")})


def wait_for(worker: OneWorker, account: str, score: float | None) -> HealthUpdated:
    def look() -> HealthUpdated | None:
        now = worker.snapshot(account)
        return now if now is not None and now.score == score else None

    return eventually(look, what=f"{account} at {score}")


def test_a_parent_follows_its_children_until_they_leave() -> None:
    with one_worker(DEFINITIONS, {}) as worker:
        homes = {partition_of(account.encode(), PARTITIONS_DEFAULT) for account in ("mum", "ann", "ben")}
        assert len(homes) > 1
        worker.tell("accounts", mum=AccountUpdated(name="Mum"))
        worker.tell("accounts", ann=AccountUpdated(parent_id="mum"), ben=AccountUpdated(parent_id="mum"))
        open_tickets(worker, "mum", "1")
        open_tickets(worker, "ann", "1", "2")
        open_tickets(worker, "ben", "1", "2", "3", "4")
        now = wait_for(worker, "mum", 70.0)
        assert now.rolled_up is not None
        assert [(child.account, child.score) for child in now.rolled_up.children] == [("ben", 60.0), ("ann", 80.0)]
        assert sum(child.contribution for child in now.rolled_up.children) == pytest.approx(70.0)
        open_tickets(worker, "ben", "5")
        wait_for(worker, "mum", 65.0)
        worker.tell("accounts", ben=AccountUpdated(parent_id="aunt"))
        wait_for(worker, "mum", 80.0)
        worker.tell("accounts", ann=AccountChurned())
        wait_for(worker, "mum", 90.0)  # its own: nobody is left
        assert worker.differences() == []
