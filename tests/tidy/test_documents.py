"""What people can set, read and watch is written down."""

import re

from truenorth import topics

from tests.tidy.documents import SETTING, metrics, metrics_document, settings, topics_document
from tests.tidy.tree import PRODUCT, ROOT, python_files, strings, text, tracked

LINK = re.compile(r"\]\(([^)#\s]+)")
METRIC = re.compile(r"truenorth_[a-z0-9_]+")
REMEDY = "run: python -m tests.tidy.documents"


def test_every_topic_is_documented_as_the_catalogue_has_it() -> None:
    assert all(topic.full_name in text("docs/topics.md") for topic in topics.TOPICS)
    assert text("docs/topics.md") == topics_document(), REMEDY


def test_every_metric_is_documented_as_it_is_declared() -> None:
    assert text("docs/operations/metrics.md") == metrics_document(), REMEDY


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
