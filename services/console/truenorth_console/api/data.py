"""JSON beside the pages, from the same queries."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from truenorth import words
from truenorth.codec import encode_json

from truenorth_console.api.web import Web
from truenorth_console.domain.book import Filter, Held, money_fact, text_fact
from truenorth_console.domain.inbox import Tab
from truenorth_console.domain.people import book_of, team_of
from truenorth_console.domain.wording import Now, zone_of

ROWS_MAX: Final = 1000


def routes(web: Web) -> APIRouter:
    """Return the routes under ``/api``."""
    router = APIRouter(prefix="/api")

    @router.get("/accounts")
    async def accounts(
        owner: str,
        filter: Filter = "all",  # noqa: A002 - the word in the address
        q: str = "",
        limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = ROWS_MAX,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        """Return a person's book, worst first; an owner who is not in the definitions has a book too."""
        people = web.names().people
        person = people.get(owner)
        owners = [owner] if person is None else book_of(person, people)
        today = Now(web.clock.now_ms(), zone_of("UTC" if person is None else person.zone)).today
        held = await web.database.book(owners, filter, search=q, today=today, limit=limit, offset=offset)
        return _json({"accounts": [_row(one) for one in held]})

    @router.get("/accounts/{account}")
    async def account(account: str) -> Response:
        """Return the snapshot of an account with its tasks, contacts and days."""
        held = await web.database.account(account)
        if held is None:
            raise HTTPException(404, f"No account {account} is scored here.")
        stored = await web.database.about(account)
        days = {str(day): point.score for day, point in sorted(held.days.items())}
        more = {"snapshot": held.snapshot, "tasks": stored.tasks, "contacts": stored.contacts, "days": days}
        return _json(_row(held) | more)

    @router.get("/inbox")
    async def inbox(person: str, tab: Tab = "mine") -> Response:
        """Return the feed entries of a person's tab, the newest first."""
        people = web.names().people
        team = team_of(people[person], people) if person in people else []
        return _json({"alerts": await web.database.inbox(tab, person, team, now_ms=web.clock.now_ms())})

    return router


def _row(held: Held) -> dict[str, Any]:
    snapshot = held.snapshot
    return {
        "account": snapshot.account,
        "name": text_fact(snapshot.facts, "name") or snapshot.account,
        "owner_id": text_fact(snapshot.facts, "owner_id") or "",
        "segment": snapshot.segment,
        "phase": snapshot.phase,
        "band": snapshot.band,
        "score": snapshot.score,
        "shown": words.shown_or_dash(snapshot.score),
        "delta_14d": snapshot.delta_14d,
        "attention": snapshot.attention,
        "sentence": words.plain(snapshot.sentence),
        "findings": [finding.id for finding in snapshot.findings],
        "milestones": {one.id: one.status for one in snapshot.milestones},
        "arr": money_fact(snapshot.facts, "arr"),
        "renews_on": text_fact(snapshot.facts, "renews_on"),
        "open_tasks": held.open_tasks,
        "churned": snapshot.churned,
        "revision": snapshot.revision,
        "computed_ms": snapshot.computed_ms,
    }


def _json(value: object) -> Response:
    return Response(encode_json(value), media_type="application/json")
