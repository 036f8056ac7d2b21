"""Who gets an alert, on which channel: the first route that matches, else the in-app feed alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from truenorth.definitions.model import Definitions, Person, Route, Webhook
from truenorth.events.work import AlertRaised

Channel = Literal["inapp", "email", "webhook"]

CHANNELS: Final[tuple[Channel, ...]] = ("inapp", "email", "webhook")
NOBODY: Final = "-"
"""The recipient of a delivery that found none; the row exists so that the gap is seen."""


@dataclass(frozen=True, slots=True)
class Target:
    """One channel to one recipient. ``address``: a mail address, or a webhook's URL; ``refusal``: why not."""

    channel: Channel
    recipient: str
    address: str = ""
    refusal: str = ""


def targets_of(alert: AlertRaised, definitions: Definitions, channels_on: frozenset[Channel]) -> tuple[Target, ...]:
    """Return every target of an alert, each at most once, those that cannot be reached with their reason."""
    route = route_of(alert, definitions.routes)
    person = recipient_of(alert.owner_id, definitions.people)
    wanted = route.channels if route else ["inapp"]
    return tuple(_target(channel, route, person, definitions, channels_on) for channel in CHANNELS if channel in wanted)


def route_of(alert: AlertRaised, routes: Sequence[Route]) -> Route | None:
    """Return the first route for this severity and playbook; an empty list of either means any."""
    for route in routes:
        if route.severities and alert.severity not in route.severities:
            continue
        if route.playbooks and alert.playbook not in route.playbooks:
            continue
        return route
    return None


def recipient_of(owner_id: str, people: Sequence[Person]) -> Person | None:
    """Return the owner; for an owner nobody knows, the first person of operations, else the first manager."""
    for person in people:
        if person.id == owner_id:
            return person
    for role in ("operations", "manager"):
        for person in people:
            if person.role == role:
                return person
    return None


def _target(
    channel: Channel,
    route: Route | None,
    person: Person | None,
    definitions: Definitions,
    channels_on: frozenset[Channel],
) -> Target:
    if channel == "webhook":
        return _webhook_target(route.webhook if route else None, definitions.webhooks, channels_on)
    if person is None:
        return Target(channel, NOBODY, refusal="no_recipient")
    if channel == "inapp":
        return Target(channel, person.id)
    if channel not in channels_on:
        return Target(channel, person.id, refusal="channel_off")
    if not person.email:
        return Target(channel, person.id, refusal="no_address")
    return Target(channel, person.id, address=person.email)


def _webhook_target(name: str | None, webhooks: Sequence[Webhook], channels_on: frozenset[Channel]) -> Target:
    endpoint = next((webhook for webhook in webhooks if webhook.id == name), None)
    if endpoint is None:
        return Target("webhook", name or NOBODY, refusal="no_recipient")
    if "webhook" not in channels_on:
        return Target("webhook", endpoint.id, refusal="channel_off")
    return Target("webhook", endpoint.id, address=endpoint.url)
