"""Checks of playbooks and routes: what can never fire, do something, or be reached."""

from collections.abc import Iterator, Sequence
from typing import Final

from truenorth.definitions import findings
from truenorth.definitions.findings import Found
from truenorth.definitions.model import Definitions, Playbook, Route, Step, Trigger
from truenorth.definitions.signals import FINDINGS

PLACEHOLDERS: Final = ("account", "score", "why", "milestone")
_ALL_SEVERITIES: Final = frozenset({"low", "normal", "high"})


def playbooks(definitions: Definitions) -> Iterator[Found]:
    """Check triggers, ends, steps and references of every playbook."""
    segments = [segment.id for segment in definitions.segments]
    for index, playbook in enumerate(definitions.playbooks):
        path = f"playbooks[{index}]"
        for place, segment in enumerate(playbook.segments):
            yield from findings.unknown_reference(f"{path}.segments[{place}]", segment, segments, "segment")
        yield from _trigger(playbook.when, f"{path}.when", definitions, "the playbook can never fire")
        if playbook.until is not None:
            yield from _trigger(playbook.until, f"{path}.until", definitions, "the run can never be resolved by it")
            if _same(playbook.when, playbook.until):
                yield Found("until_is_when", f"{path}.until", "this is what opens the run; it would end at once")
        yield from _steps(playbook, path)


def _trigger(trigger: Trigger, path: str, definitions: Definitions, else_: str) -> Iterator[Found]:
    given = [name for name in ("band", "finding", "milestone") if getattr(trigger, name) is not None]
    if not given:
        yield Found("trigger_empty", path, f"{else_}: give one of band, finding or milestone")
    if len(given) > 1:
        yield Found("trigger_unclear", path, f"{else_}: {' and '.join(given)} are different things; give one of them")
    if trigger.from_bands and trigger.band is None:
        yield Found("from_bands_alone", f"{path}.from_bands", "from_bands narrows a band; give the band as well")
    if trigger.band is not None and trigger.from_bands and set(trigger.from_bands) == {trigger.band}:
        yield Found("trigger_never", f"{path}.from_bands", f"{else_}: nothing turns {trigger.band} from {trigger.band}")
    if trigger.finding is not None:
        for found in findings.unknown_reference(f"{path}.finding", trigger.finding, FINDINGS, "finding"):
            yield found._replace(message=f"{else_}: {found.message}")
    if trigger.milestone is not None and not definitions.milestones:
        yield Found("trigger_never", f"{path}.milestone", f"{else_}: no milestone is defined")


def _same(when: Trigger, until: Trigger) -> bool:
    return (when.band, when.finding, when.milestone) == (until.band, until.finding, until.milestone)


def _steps(playbook: Playbook, path: str) -> Iterator[Found]:
    seen: set[str] = set()
    for index, step in enumerate(playbook.steps):
        where = f"{path}.steps[{index}]"
        if step.id in seen:
            yield Found("step_twice", f"{where}.id", f"step {step.id!r} is in this playbook already; rename one")
        seen.add(step.id)
        yield from _step(step, where)


def _step(step: Step, path: str) -> Iterator[Found]:
    if step.task is None and step.alert is None:
        yield Found("step_empty", path, "the step does nothing; give it a task, an alert or both")
    if step.task is not None:
        yield from findings.unknown_placeholders(f"{path}.task.title", step.task.title, PLACEHOLDERS)
    if step.alert is not None:
        yield from findings.unknown_placeholders(f"{path}.alert.title", step.alert.title, PLACEHOLDERS)


def routes(definitions: Definitions) -> Iterator[Found]:
    """Check references and that each route can be reached."""
    known = [playbook.id for playbook in definitions.playbooks]
    webhooks = [webhook.id for webhook in definitions.webhooks]
    for index, route in enumerate(definitions.routes):
        path = f"routes[{index}]"
        for place, playbook in enumerate(route.playbooks):
            yield from findings.unknown_reference(f"{path}.playbooks[{place}]", playbook, known, "playbook")
        if route.webhook is not None:
            yield from findings.unknown_reference(f"{path}.webhook", route.webhook, webhooks, "webhook")
        if ("webhook" in route.channels) != (route.webhook is not None):
            message = "the channel webhook and the field webhook (which one) go together; give both or neither"
            yield Found("webhook_unclear", path, message)
        yield from _reachable(route, definitions.routes[:index], path)
    for index, webhook in enumerate(definitions.webhooks):
        if not webhook.url.startswith(("http://", "https://")):
            yield Found("url_invalid", f"webhooks[{index}].url", f"{webhook.url!r} is not an http(s) address")
    if definitions.playbooks and not definitions.routes:
        yield Found("routes_missing", "playbooks", "playbooks alert, but no route says who gets alerts on what channel")


def _reachable(route: Route, before: Sequence[Route], path: str) -> Iterator[Found]:
    for earlier in before:
        severities = set(route.severities) or _ALL_SEVERITIES
        wider = severities <= (set(earlier.severities) or _ALL_SEVERITIES)
        narrower = bool(route.playbooks) and set(route.playbooks) <= set(earlier.playbooks)
        if wider and (narrower or not earlier.playbooks):
            message = f"never reached: {earlier.id!r} comes before it and takes every alert that it would"
            yield Found("route_unreachable", path, message)
            return
