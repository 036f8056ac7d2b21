"""What people do in the console, which is an event too; and what they ask us to forget."""

from typing import Annotated, Literal

from msgspec import Meta

from truenorth.events.inputs import Name, Text
from truenorth.events.payload import PayloadStruct


class PulseSet(PayloadStruct, frozen=True, gc=False):
    """``pulse.set``: the CSM's own rating, 1 (worst) to 5; it expires."""

    by: Name
    rating: Annotated[int, Meta(ge=1, le=5)]
    reason: Text = ""


class OverrideSet(PayloadStruct, frozen=True, gc=False):
    """``override.set``: the CSM's word on the score until ``expires_ms``; a null value clears it."""

    by: Name
    reason: Text
    value: Annotated[float, Meta(ge=0, le=100)] | None = None
    expires_ms: int | None = None


class UsageFitSet(PayloadStruct, frozen=True, gc=False):
    """``usage_fit.set``: does this usage fit how they should be using it?"""

    by: Name
    fit: Literal["yes", "no", "needs_a_look"]
    reason: Text = ""


class EssentialSet(PayloadStruct, frozen=True, gc=False):
    """``essential.set``: how essential the product is to them, in the CSM's word: 1 (could do without) to 5."""

    by: Name
    rating: Annotated[int, Meta(ge=1, le=5)]
    reason: Text = ""


class NoteAdded(PayloadStruct, frozen=True, gc=False):
    """``note.added``: a line on the account's timeline."""

    by: Name
    text: Text


class TaskDone(PayloadStruct, frozen=True, gc=False):
    """``task.done``: ``by`` says it is done, or skipped."""

    by: Name
    task_id: Name
    outcome: Literal["done", "skipped"] = "done"


class TaskSnoozed(PayloadStruct, frozen=True, gc=False):
    """``task.snoozed``: out of sight until ``until_ms``."""

    by: Name
    task_id: Name
    until_ms: int


class TaskAssigned(PayloadStruct, frozen=True, gc=False):
    """``task.assigned``: now ``to``'s."""

    by: Name
    task_id: Name
    to: Name


class AlertAcknowledged(PayloadStruct, frozen=True, gc=False):
    """``alert.acknowledged``: ``by`` has seen it and takes it."""

    by: Name
    alert_id: Name


class AlertSnoozed(PayloadStruct, frozen=True, gc=False):
    """``alert.snoozed``: out of the inbox until ``until_ms``."""

    by: Name
    alert_id: Name
    until_ms: int


class AlertDone(PayloadStruct, frozen=True, gc=False):
    """``alert.done``: dealt with; its open task, if any, is done as well."""

    by: Name
    alert_id: Name


class AlertNotUseful(PayloadStruct, frozen=True, gc=False):
    """``alert.marked_not_useful``: feeds the precision of the playbook that raised it."""

    by: Name
    alert_id: Name


class ErasureRequested(PayloadStruct, frozen=True, gc=False):
    """``erasure.requested``: forget this actor, contact or account, at the account that is the event's subject.

    ``by`` says who asked. For an account ``subject_id`` is the account itself.
    """

    kind: Literal["actor", "contact", "account"]
    subject_id: Name
    by: Name = "api"


class ErasureAcknowledged(PayloadStruct, frozen=True, gc=False):
    """``erasure.acknowledged``, on `erasures-done`: ``service`` has carried out ``request_id``.

    ``request_id`` is `truenorth.erasures.request_id` of the request.
    """

    request_id: Name
    service: Name
    kind: Literal["actor", "contact", "account"]


class HistoryLoaded(PayloadStruct, frozen=True, gc=False):
    """``history.loaded``, on `backfills`: this account's past is complete from ``from_on`` on; rebuild its days."""

    from_on: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
