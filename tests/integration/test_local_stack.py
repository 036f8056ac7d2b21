"""The local stack's own promises, on the real parts."""

import asyncio
import shutil
import smtplib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from truenorth.clock import SystemClock
from truenorth.errors import MissingError
from truenorth.kafka.admin import ensure_topics
from truenorth_local import answers
from truenorth_local.mail import read_mails
from truenorth_local.places import HOST, Ports, free_ports
from truenorth_local.postgres import run_sql
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

pytestmark = pytest.mark.integration


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state directory of one's own, where PostgreSQL's user can reach it when the tests run as root."""
    made = Path(tempfile.mkdtemp(prefix="truenorth-test-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_every_backing_part_serves(stack: LocalStack) -> None:
    assert answers.kafka_answers(stack.bootstrap)
    assert answers.postgres_answers(stack.database_url)
    assert answers.smtp_answers(HOST, stack.ports.smtp)


def test_a_new_database_is_empty_and_apart(stack: LocalStack) -> None:
    first, second = stack.new_database(), stack.new_database()
    run_sql(first, "CREATE TABLE only_here (a int)", stack.environment)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert run_sql(first, tables, stack.environment) == "1"
    assert run_sql(second, tables, stack.environment) == "0"


def test_mail_is_kept_with_its_envelope(stack: LocalStack) -> None:
    with smtplib.SMTP(HOST, stack.ports.smtp) as client:
        client.sendmail("from@a.example", ["to@b.example"], "Subject: kept\r\nTo: someone\r\n\r\nhello")
    mail = next(mail for mail in read_mails(stack.mail_dir) if mail["Subject"] == "kept")
    assert mail["X-RcptTo"] == "to@b.example"
    assert mail.get_content().strip() == "hello"


def test_stopping_and_starting_again_loses_nothing(folder: Path) -> None:
    def started() -> LocalStack:
        stack = LocalStack(folder, ports=ports, environment=clean_environment(), clock=SystemClock())
        try:
            stack.start_backing()
        except BaseException:
            stack.stop()
            raise
        return stack

    ports = Ports.free()
    first = started()
    try:
        first.create_topics(partitions=1)
        run_sql(first.database_url, "CREATE TABLE kept (a int); INSERT INTO kept VALUES (7)", first.environment)
    finally:
        first.stop()
    assert not answers.kafka_answers(first.bootstrap)
    assert not answers.postgres_answers(first.database_url)
    second = started()
    try:
        assert second.database_url == first.database_url
        assert run_sql(second.database_url, "SELECT a FROM kept", second.environment) == "7"
        assert asyncio.run(ensure_topics(second.bootstrap, partitions=1, replicas=1)) == []
    finally:
        second.stop()


def test_a_service_that_cannot_start_is_said_with_its_last_words(stack: LocalStack) -> None:
    with pytest.raises(MissingError, match=r"ended while starting \(exit code \d+\).*TRUENORTH_LOG_LEVEL"):
        stack.start_service("ingest", {"TRUENORTH_LOG_LEVEL": "LOUD"}, label="broken-ingest")
    with pytest.raises(KeyError):
        stack.stop_service("ingest")
    stack.stop_service("broken-ingest")


def test_the_user_s_own_kafka_and_database_are_used(stack: LocalStack, folder: Path) -> None:
    foreign = {"KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap, "DATABASE_URL": stack.new_database()}
    other = LocalStack(folder, ports=Ports.free(), environment=clean_environment() | foreign, clock=SystemClock())
    try:
        other.start_backing()
        assert list(other.processes) == ["mail"]
        assert (other.bootstrap, other.database_url) == (stack.bootstrap, foreign["DATABASE_URL"])
    finally:
        other.stop()


@pytest.mark.parametrize("setting", ["KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"])
def test_the_user_s_own_part_that_does_not_answer_is_named(setting: str, stack: LocalStack, folder: Path) -> None:
    nobody = f"{HOST}:{free_ports(1)[0]}"
    foreign = {"KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap, "DATABASE_URL": stack.database_url}
    foreign[setting] = nobody if setting.startswith("KAFKA") else f"postgresql://someone@{nobody}/x"
    other = LocalStack(folder, ports=Ports.free(), environment=clean_environment() | foreign, clock=SystemClock())
    try:
        with pytest.raises(MissingError, match=setting):
            other.start_backing()
    finally:
        other.stop()
