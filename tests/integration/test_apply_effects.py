"""``truenorth apply`` shows what it would do to accounts as they stand, before it does it."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from truenorth.clock import date_of_day, day_of
from truenorth.definitions.apply import read_shelf
from truenorth.events import inputs
from truenorth.ids import random_secret
from truenorth_local.stack import LocalStack

from tests.integration.scored_accounts import CLOCK, Accounts, scored_accounts

pytestmark = pytest.mark.integration

MILESTONE = "{id: twice, name: Used twice, count: events, need: 2, within_days: 5}"


@pytest.fixture
def accounts(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with scored_accounts(stack, tmp_path_factory.mktemp("definitions")) as made:
        yield made


def in_force(accounts: Accounts) -> str:
    shelf = asyncio.run(read_shelf(accounts.stack.bootstrap, lambda _: None))
    assert shelf.current is not None
    return shelf.current.hash


def test_accounts_that_would_turn_are_counted_and_named_and_a_dry_run_changes_nothing(accounts: Accounts) -> None:
    signed_up = date_of_day(day_of(CLOCK.now_ms()) - 30).isoformat()
    names = [f"{name}-{random_secret(4)}" for name in ("tansy", "betony", "burnet")]
    for number, account in enumerate(names):
        facts = inputs.AccountUpdated(
            name=account.title(), industry=accounts.industry, arr=10_000_000, signed_up_on=signed_up
        )
        accounts.tell(account, facts, *(inputs.TicketOpened(f"t-{one}") for one in range(number)))
    for number, account in enumerate(names):
        accounts.until_shown(account, 100 - 10 * number)
    before = in_force(accounts)

    harsh = accounts.definitions(worst=3, milestones=MILESTONE)
    said = accounts.command("apply", harsh, "--dry-run")
    assert said.returncode == 0, said.stderr
    told = said.stdout.splitlines()
    assert "1 account would go yellow, 1 red; $200k ARR turn worse" in told
    assert "2 accounts would show another score" in told
    named = [line.strip() for line in told if "green -> " in line]
    assert named == [
        f"{names[2]} {names[2].title()}: 80 green -> 33 red, $100k ARR",
        f"{names[1]} {names[1].title()}: 90 green -> 67 yellow, $100k ARR",
    ]
    milestone = next(line for line in told if line.startswith("new milestone twice: "))
    missed = re.search(r"(\d+) missed", milestone)
    assert missed is not None
    assert int(missed[1]) >= len(names)
    assert re.fullmatch(r"\d+ accounts looked at in \d+\.\d s", told[-2])
    assert told[-1] == "Nothing was applied: this was a dry run."
    assert in_force(accounts) == before

    assert accounts.command("apply", harsh, "--yes").returncode == 0
    for account, score in zip(names, (100, 67, 33), strict=True):
        accounts.until_shown(account, score)
    assert "Nothing to do" in accounts.command("apply", harsh, "--dry-run").stdout
