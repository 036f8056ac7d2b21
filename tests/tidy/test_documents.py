"""What people can set, read and watch is written down."""

import json
import re

import jsonschema_rs
import pytest
from truenorth import topics
from truenorth.codec import parse_event
from truenorth.events.catalogue import CATALOGUE

from tests.tidy.documents import SETTING, documents, metrics, settings
from tests.tidy.tree import PRODUCT, ROOT, python_files, strings, text, tracked

LINK = re.compile(r"\]\(([^)#\s]+)")
METRIC = re.compile(r"truenorth_[a-z0-9_]+")
REMEDY = "run: python -m tests.tidy.documents"


@pytest.mark.parametrize("name", sorted(documents()))
def test_a_document_that_is_made_from_code_is_as_the_code_makes_it(name: str) -> None:
    assert text(name) == documents()[name], REMEDY


def test_every_topic_and_event_type_is_documented() -> None:
    assert all(topic.full_name in text("docs/topics.md") for topic in topics.TOPICS)
    assert all(f"### {event_type}\n" in text("docs/events.md") for event_type in CATALOGUE)


@pytest.mark.parametrize("event_type", list(CATALOGUE))
def test_an_example_of_the_documents_is_an_event_and_fits_the_schema(event_type: str) -> None:
    section = text("docs/events.md").partition(f"### {event_type}\n")[2]
    example = section.partition("```json\n")[2].partition("```")[0]
    assert parse_event(example.encode()).type == event_type
    assert jsonschema_rs.is_valid(json.loads(text("docs/events.schema.json")), json.loads(example))


def test_every_metric_says_in_words_what_it_is() -> None:
    assert [metric.name for metric in metrics() if len(metric.doc) < 10] == []


def test_metrics_are_declared_in_the_modules_for_them() -> None:
    elsewhere = {metric.file for metric in metrics()} - {
        name for name in python_files(*PRODUCT) if name.rpartition("/")[2] in {"metrics.py", "telemetry.py"}
    }
    assert elsewhere == set()


def test_no_metric_name_is_hidden_from_the_documents() -> None:
    declared = {metric.name.removesuffix("_total") for metric in metrics()}
    named = {
        value
        for name in python_files(*PRODUCT)
        if name.endswith("/metrics.py")
        for value in strings(name)
        if METRIC.fullmatch(value)
    }
    assert {name.removesuffix("_total") for name in named} <= declared


def test_every_setting_is_documented() -> None:
    written = set(SETTING.findall(text("docs/operations/settings.md")))
    families = {name.removesuffix("_FILE") for name in settings()}
    assert families - written == set()


def test_no_setting_is_documented_that_is_not_there() -> None:
    written = set(SETTING.findall(text("docs/operations/settings.md")))
    known = set(settings()) | _named_elsewhere()
    assert {name for name in written if name.removesuffix("_FILE") not in known} == set()


def test_every_document_that_another_one_points_to_is_there() -> None:
    lost = {
        f"{name}: {target}"
        for name in tracked()
        if name.endswith(".md")
        for target in _local_links(text(name))
        if not _is_there(name, target)
    }
    assert lost == set()


def _named_elsewhere() -> set[str]:
    """Settings that the command line, the Makefile or tests read."""
    others = [name for name in tracked() if name == "Makefile" or name.startswith(("tests/", ".ci/"))]
    return {setting for name in others for setting in SETTING.findall(text(name))}


def _local_links(markdown: str) -> list[str]:
    return [link for link in LINK.findall(markdown) if "://" not in link and not link.startswith("mailto:")]


def _is_there(name: str, target: str) -> bool:
    return ((ROOT / name).parent / target).exists()


def test_every_number_of_the_stream_engine_has_a_line_that_says_what_to_do() -> None:
    page = text("docs/operations/stream-engine.md")
    health = [metric.name for metric in metrics() if metric.file.startswith("services/health/")]
    assert health
    assert [name for name in health if f"`{name}`" not in page] == []
