"""``truenorth explain`` against a real worker on a real broker."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from truenorth import codec
from truenorth.events import inputs, people
from truenorth.ids import random_secret
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.e2e.platform import eventually
from tests.integration.scored_accounts import CLOCK, Accounts, scored_accounts

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def accounts(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with scored_accounts(stack, tmp_path_factory.mktemp("definitions")) as made:
        yield made


def document(accounts: Accounts, *arguments: str) -> dict[str, Any]:
    said = accounts.command("explain", "--json", *arguments)
    assert said.returncode == 0, said.stderr
    return dict(json.loads(said.stdout))


def points(said: dict[str, Any]) -> float:
    return float(sum(one["contribution"] for part in said["dimensions"] for one in part["measures"]))


def test_an_account_is_explained_as_published_and_as_it_was(accounts: Accounts) -> None:
    account = f"larkspur-{random_secret(4)}"
    accounts.tell(
        account,
        inputs.AccountUpdated(name="Larkspur", industry=accounts.industry),
        inputs.SurveyAnswered("nps", 9, respondent="mary"),
        inputs.TicketOpened("t-1", priority="p2"),
    )
    accounts.until_shown(account, 90)
    between_ms = CLOCK.now_ms() + 1
    accounts.tell(account, *(inputs.TicketOpened(f"t-{number}", priority="p1") for number in range(2, 5)))
    accounts.until_shown(account, 70)

    now = document(accounts, account)
    assert (now["status"], now["scorecard"], now["segment"], now["name"]) == ("scored", "mine", "mine", "Larkspur")
    assert now["score"] == pytest.approx(70)
    assert points(now) == pytest.approx(now["computed"], abs=1e-9)
    assert (now["published"]["band"], now["published"]["differs"]) == (now["band"], [])
    open_tickets = now["dimensions"][0]["measures"][0]
    assert open_tickets["events"]["count"] == 4
    assert open_tickets["events"]["latest"][0]["told"] in {f"t-{number}, p1" for number in (2, 3, 4)}

    then = document(accounts, account, "--at", codec.rfc3339(between_ms))
    assert then["score"] == pytest.approx(90)
    assert then["published"] is None
    moved = then["since"]["drivers"]
    assert [(one["measure"], one["before"], one["after"]) for one in moved] == [("open", "1", "4")]
    assert sum(one["points"] for one in moved) == pytest.approx(then["since"]["change"], abs=1e-9)

    text = accounts.command("explain", account)
    assert text.returncode == 0
    assert text.stdout.startswith(f"{account}  Larkspur\n  score 70, ")
    assert "Sum of the contributions" in text.stdout
    assert "mary" not in text.stdout
    assert max(len(line) for line in text.stdout.splitlines()) <= 120
    before = document(accounts, account, "--at", "2020-01-01")
    assert before["status"] == "nothing"
    assert any("the first event that is retained was recorded at" in note for note in before["notes"])


def test_definitions_of_the_time_are_taken_and_named(accounts: Accounts) -> None:
    account = f"yarrow-{random_secret(4)}"
    accounts.tell(account, inputs.AccountUpdated(name="Yarrow", industry=accounts.industry), inputs.TicketOpened("t-1"))
    accounts.until_shown(account, 90)
    between_ms = CLOCK.now_ms() + 1
    applied = accounts.command("apply", accounts.definitions(worst=5), "--yes")
    assert applied.returncode == 0
    accounts.until_shown(account, 80)
    then = document(accounts, account, "--at", codec.rfc3339(between_ms))
    assert then["score"] == pytest.approx(90)
    assert then["since"]["score"] == pytest.approx(80)
    assert any(
        note.startswith(f"definitions {then['definitions']}: those of its last decision") for note in then["notes"]
    )
    assert any("what they changed is among the drivers" in note for note in then["notes"])
    assert accounts.command("apply", accounts.definitions(worst=100), "--yes").returncode == 0


def test_what_cannot_be_explained_is_said(accounts: Accounts) -> None:
    provisional, erased, known = (f"{name}-{random_secret(4)}" for name in ("sorrel", "teasel", "campion"))
    accounts.tell(provisional, inputs.TicketOpened("t-1"))
    accounts.tell(erased, inputs.AccountUpdated(name="Teasel", industry=accounts.industry))
    eventually(lambda: accounts.snapshot(erased) is not None, what="the account to be scored")
    accounts.tell(erased, people.ErasureRequested("account", erased))
    accounts.tell(known, inputs.AccountUpdated(name="Campion"))
    assert document(accounts, provisional)["status"] == "provisional"
    assert document(accounts, erased)["status"] == "erased"

    unknown = accounts.command("explain", known + "x")
    assert unknown.returncode == 1
    assert f"nothing is known of account '{known}x'; did you mean {known}" in unknown.stderr
    wrong = accounts.command("explain", known, "--at", "yesterday")
    assert wrong.returncode == 2
    assert "write 2026-11-22T09:05:00Z or 2026-11-22" in wrong.stderr


def test_a_broker_that_is_away_is_said() -> None:
    environment = clean_environment() | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    command = [sys.executable, "-m", "truenorth.commands.main", "explain", "acme"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 3
    assert "127.0.0.1:1 does not answer" in said.stderr
