"""The page of the intake: what the edge refused, and what waits for its account."""

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from truenorth_console.api.web import Web
from truenorth_console.domain import intake as intake_view
from truenorth_console.domain import refusals, waiting

PLACE: Final = r"^\d{1,9}:\d{1,18}$"


def routes(web: Web) -> APIRouter:
    """Return the routes of the intake's pages."""
    router = APIRouter()

    @router.get("/intake")
    async def intake(request: Request) -> Response:
        viewer = web.viewer(request)
        now, stored = viewer.now, web.database.intake
        totals = await stored.totals(now_ms=now.ms)
        shown = {
            "heading": intake_view.heading(totals, now),
            "breakdown": intake_view.breakdown(totals),
            "refusals": [refusals.refusal_line(one, now) for one in await stored.causes(now_ms=now.ms)],
            "waiting": [
                waiting.waiting_line(one, now, ingest=web.ingest_url) for one in await stored.waiting(now_ms=now.ms)
            ],
        }
        return await web.page(request, "intake.html", viewer, here="intake", **shown)

    @router.get("/intake/refusals/{place}")
    async def refusal(request: Request, place: Annotated[str, Path(pattern=PLACE)]) -> Response:
        viewer = web.viewer(request)
        partition, _, offset = place.partition(":")
        found = await web.database.intake.refusal(int(partition), int(offset))
        if found is None:
            raise HTTPException(404, f"No refusal {place} is kept here; they go after 30 days.")
        shown = refusals.refusal_page(*found, viewer.now)
        return await web.page(request, "refusal.html", viewer, here="refusal", page=shown)

    return router
