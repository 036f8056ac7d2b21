"""The local stack's own promises, on the real parts."""

import smtplib

import pytest
from truenorth_local import answers
from truenorth_local.mail import read_mails
from truenorth_local.places import HOST
from truenorth_local.postgres import run_sql
from truenorth_local.stack import LocalStack

pytestmark = pytest.mark.integration


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
