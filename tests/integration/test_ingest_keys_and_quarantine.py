"""Keys and the quarantine from the shell, on the real table and the real broker."""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from truenorth.ids import random_id
from truenorth_local.stack import LocalStack

from tests.ingest.doubles import usage
from tests.ingest.running import RunningIngest, keys_command, running_ingest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ingest(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIngest]:
    with running_ingest(stack, tmp_path_factory.mktemp("ingest")) as running:
        yield running


def _quarantine(ingest: RunningIngest, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    environment = ingest.environment | {"TRUENORTH_INGEST_URL": ingest.url, "TRUENORTH_WRITE_KEY": key}
    command = [sys.executable, "-m", "truenorth.commands.main", "quarantine", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _code(ingest: RunningIngest, key: str) -> str:
    answer = httpx.post(f"{ingest.url}/v1/events", json=usage(), headers={"x-write-key": key}, timeout=30).json()
    return str(answer.get("code", "taken"))


def test_a_key_is_rotated_retired_listed_and_revoked(ingest: RunningIngest) -> None:
    made = keys_command(
        ingest.environment, "create", "--name", "r", "--scope", "ingest:write", "--events-per-second", "7"
    )
    older = made.stdout.strip()
    key_id = older.split("_")[2]
    newer = keys_command(ingest.environment, "rotate", key_id).stdout.strip()
    assert newer != older
    assert (_code(ingest, older), _code(ingest, newer)) == ("taken", "taken")
    assert keys_command(ingest.environment, "rotate", key_id).returncode != 0
    (told,) = [
        key for key in json.loads(keys_command(ingest.environment, "list", "--json").stdout) if key["key_id"] == key_id
    ]
    assert (told["secrets"], told["events_per_second"], told["scopes"]) == (2, 7, ["ingest:write"])
    assert told["last_used"]
    assert keys_command(ingest.environment, "retire", key_id).returncode == 0
    (told,) = [
        key for key in json.loads(keys_command(ingest.environment, "list", "--json").stdout) if key["key_id"] == key_id
    ]
    assert told["secrets"] == 1
    assert keys_command(ingest.environment, "revoke", key_id).returncode == 0
    assert "revoked" in keys_command(ingest.environment, "list").stdout


def test_what_was_refused_is_listed_shown_and_replayed(ingest: RunningIngest) -> None:
    run = random_id()[:8]
    replayer = keys_command(ingest.environment, "create", "--name", "ops", "--scope", "quarantine:replay").stdout
    bad = usage(id=run, data={"feature": "export", "count": "three", "actor": "Ada Lovelace"})
    assert ingest.post([bad]).json()["rejected"][0]["code"] == "data_invalid"
    listed = _quarantine(ingest, "list", "--code", "data_invalid", "--json")
    assert listed.returncode == 0, listed.stderr
    (kept,) = [record for record in map(json.loads, listed.stdout.splitlines()) if run in record["original"]]
    assert kept["key_name"] == "tests"
    assert "data_invalid" in _quarantine(ingest, "list").stdout
    shown = _quarantine(ingest, "show", kept["place"])
    assert run in shown.stdout
    assert "Lovelace" not in shown.stdout
    dry = _quarantine(ingest, "replay", kept["place"], "--dry-run", key=replayer)
    assert "1 would be refused again" in dry.stdout, dry.stderr
    again = _quarantine(ingest, "replay", kept["place"], key=replayer)
    assert (again.returncode, "data.count" in again.stdout) == (1, True), again.stderr
    assert "lacks the scope" in _quarantine(ingest, "replay", kept["place"], key=ingest.key).stderr
    assert _quarantine(ingest, "show", "0:99999999").returncode == 2
