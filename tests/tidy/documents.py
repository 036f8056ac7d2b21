"""The documents that are made from code. ``python -m tests.tidy.documents`` writes them; a test compares them."""

import ast
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from truenorth import topics
from truenorth.events.catalogue import FAMILY_OF_TYPE, types_of
from truenorth.events.schema import json_schema
from truenorth_local.places import Ports

from tests.tidy.asyncapi import asyncapi
from tests.tidy.event_documents import events_document
from tests.tidy.tree import PRODUCT, ROOT, nodes, python_files, strings

KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram", "Summary": "summary"}
FAMILIES = {f"{kind}MetricFamily": told for kind, told in KINDS.items()}
SETTING = re.compile(r"\b(?:TRUENORTH_[A-Z0-9_]*[A-Z0-9]|KAFKA_BOOTSTRAP_SERVERS|DATABASE_URL)\b")

_TOPICS_HEAD = """# Topics

To use account health in code of your own, start with [Follow account health](guides/consume-health.md): a program to
copy, and what each topic promises.

Kafka is the only road between the parts. Topics are `truenorth.<name>.v1`; records are CloudEvents 1.0 envelopes in
JSON (structured mode) with one header, `content-type`. Within `.v1` fields are only added, all of them optional;
readers ignore what they do not know. Every account topic has the same number of partitions, and records are placed
by murmur2 of the key (set it in any librdkafka client). The record's own timestamp is the broker's
(`LogAppendTime`); `time` is when it happened, `recordedtime` when the edge accepted it. Read with
`isolation.level=read_committed`. A record may come twice under the same `id`; per key they are in order.

Every event type with its fields is in [Events](events.md). The same as AsyncAPI 3.0, for generators of code and of
pages, is [asyncapi.json](asyncapi.json).

| topic | key | written by | kept | what is in it |
|---|---|---|---|---|
"""

_METRICS_HEAD = """# Metrics

Every service serves `/metrics` on its telemetry port (ingest, health, playbooks, notify, console: 8491 to 8495), beside
`/livez` and `/readyz`. Counters appear once they have counted; histograms have `_bucket`, `_sum` and `_count`.
Besides these there are the usual `process_*` and `python_*` ones.

"""


class Metric(NamedTuple):
    """One metric as declared."""

    name: str
    kind: str
    labels: str
    doc: str
    file: str


def topics_document() -> str:
    """Return docs/topics.md."""
    lines = [_TOPICS_HEAD.rstrip("\n")]
    for topic in topics.TOPICS:
        kept = "latest per key" if topic.cleanup == "compact" else f"{topic.retention_days} days"
        lines.append(f"| `{topic.full_name}` | {topic.key} | {topic.owner} | {kept} | {topic.doc} |")
    lines += ["", "## Event types", "", "| topic | `type` |", "|---|---|"]
    families = dict.fromkeys(FAMILY_OF_TYPE.values())
    for family in families:
        named = ", ".join(f"`{event_type}`" for event_type in types_of(family))
        lines.append(f"| {family} | {named} |")
    lines += [
        "",
        "`definitions` holds bundles by their hash and, under the key `current`, which is in force.",
        "`health-changelog` is internal and has a format of its own. `quarantine` and `dead-letters` hold the refused",
        "original beside its reason.",
    ]
    return "\n".join(lines) + "\n"


def metrics_document() -> str:
    """Return docs/operations/metrics.md."""
    lines = [_METRICS_HEAD.rstrip("\n")]
    by_file: dict[str, list[Metric]] = {}
    for metric in metrics():
        by_file.setdefault(_part_of(metric.file), []).append(metric)
    for part, declared in sorted(by_file.items()):
        lines += ["", f"## {part}", "", "| metric | kind | labels | |", "|---|---|---|---|"]
        lines += [f"| `{one.name}` | {one.kind} | {one.labels} | {one.doc} |" for one in sorted(declared)]
    return "\n".join(lines) + "\n"


@lru_cache
def metrics() -> tuple[Metric, ...]:
    """Return every metric that product code declares, wherever it does."""
    return tuple(_declared())


def _declared() -> Iterator[Metric]:
    for name in python_files(*PRODUCT):
        yield from _in_a_loop(name)
        for node in nodes(name):
            if isinstance(node, ast.Call) and (kind := _kind(node.func)):
                arguments = [one.value for one in node.args if isinstance(one, ast.Constant)]
                named = [str(value) for value in arguments]
                if not named or not named[0].startswith("truenorth_"):
                    continue
                yield Metric(
                    shown(named[0], kind), kind, _labels(node), " ".join(named[1].split()) if named[1:] else "", name
                )


def _in_a_loop(file: str) -> Iterator[Metric]:
    """Yield the metrics that a loop over tuples of name and meaning declares."""
    for loop in nodes(file):
        if not isinstance(loop, ast.For) or not isinstance(loop.iter, ast.Tuple | ast.List):
            continue
        kinds = [kind for node in ast.walk(loop) if isinstance(node, ast.Call) and (kind := _kind(node.func))]
        for entry in loop.iter.elts:
            told = [one.value for one in getattr(entry, "elts", []) if isinstance(one, ast.Constant)]
            if kinds and told and str(told[0]).startswith("truenorth_"):
                yield Metric(shown(str(told[0]), kinds[0]), kinds[0], "", str(told[1]), file)


def shown(name: str, kind: str) -> str:
    """Return the name as it is served: counters end in ``_total``."""
    return f"{name.removesuffix('_total')}_total" if kind == "counter" else name


def settings() -> dict[str, list[str]]:
    """Return every setting that product code names, with the files that do."""
    ports = Ports.usual()
    taken = [*ports.of_parts().values()]
    found: dict[str, list[str]] = {ports.setting_of(port): ["deploy/local"] for port in taken}
    for name in python_files(*PRODUCT):
        for value in strings(name):
            for setting in SETTING.findall(value):
                found.setdefault(setting, []).append(name)
    return found


def _kind(function: ast.expr) -> str:
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    return (KINDS | FAMILIES).get(name, "")


def _labels(call: ast.Call) -> str:
    lists = [one for one in call.args if isinstance(one, ast.List | ast.Tuple)]
    lists += [
        key.value
        for key in call.keywords
        if key.arg in {"labelnames", "labels"} and isinstance(key.value, ast.List | ast.Tuple)
    ]
    return ", ".join(f"`{one.value!s}`" for found in lists[:1] for one in found.elts if isinstance(one, ast.Constant))


def _part_of(file: str) -> str:
    return file.split("/")[1] if file.startswith("services/") else "every service"


def documents() -> dict[str, str]:
    """Return every document that is made from code, by its path."""
    return {
        "docs/topics.md": topics_document(),
        "docs/operations/metrics.md": metrics_document(),
        "docs/events.md": events_document(),
        "docs/events.schema.json": _json(json_schema()),
        "docs/asyncapi.json": _json(asyncapi()),
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the documents."""
    for name, made in documents().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
