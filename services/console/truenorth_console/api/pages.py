"""The pages that are read: my book, an account, the inbox, and the stream that tells them of changes."""

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from truenorth_console.api.live import Watch
from truenorth_console.api.web import STATIC, Web
from truenorth_console.domain import account as account_view
from truenorth_console.domain import book as book_view
from truenorth_console.domain import inbox as inbox_view
from truenorth_console.domain.book import Filter
from truenorth_console.domain.inbox import Tab

ROWS_PER_PAGE: Final = 100
SEARCH_CHARS_MAX: Final = 100
_KINDS: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_STREAMED: Final = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def routes(web: Web) -> APIRouter:
    """Return the routes of all pages."""
    router = APIRouter()
    _add_reading(router, web)
    files = {path.name: (path.read_bytes(), _KINDS[path.suffix]) for path in STATIC.iterdir()}

    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in files:
            raise HTTPException(404)
        body, kind = files[name]
        return Response(body, media_type=kind, headers=_FOREVER)

    @router.get("/live")
    async def live(request: Request, account: Annotated[str, Query(max_length=128)] = "") -> Response:
        viewer = web.viewer(request)
        if web.hub.full:
            raise HTTPException(503, "Too many pages are open.")
        watch = Watch(frozenset(viewer.book), frozenset({viewer.person.id, *viewer.team}), account)
        return StreamingResponse(web.hub.stream(watch), media_type="text/event-stream", headers=_STREAMED)

    return router


def _add_reading(router: APIRouter, web: Web) -> None:
    @router.get("/")
    async def book(
        request: Request,
        filter: Filter = "all",  # noqa: A002 - the word in the address
        q: Annotated[str, Query(max_length=SEARCH_CHARS_MAX)] = "",
        page: Annotated[int, Query(ge=1, le=1000)] = 1,
    ) -> Response:
        viewer = web.viewer(request)
        today, skipped = viewer.now.today, (page - 1) * ROWS_PER_PAGE
        counts = await web.database.counts(viewer.book, today)
        held = await web.database.book(
            viewer.book, filter, search=q, today=today, limit=ROWS_PER_PAGE + 1, offset=skipped
        )
        several = len(viewer.book) > 1
        rows = [book_view.row(one, viewer.names, today, with_owner=several) for one in held[:ROWS_PER_PAGE]]
        more = page + 1 if len(held) > ROWS_PER_PAGE else 0
        shown = {"rows": rows, "counts": counts, "filter": filter, "q": q, "page": page, "more": more}
        return await web.page(request, "book.html", viewer, here="book", **shown)

    @router.get("/accounts/{account}")
    async def account(request: Request, account: str) -> Response:
        viewer = web.viewer(request)
        held = await web.database.account(account)
        if held is None:
            raise HTTPException(404, f"No account {account} is scored here.")
        stored = await web.database.about(account)
        shown = account_view.page(
            held,
            tasks=stored.tasks,
            contacts=stored.contacts,
            past=stored.past,
            names=viewer.names,
            now=viewer.now,
        )
        return await web.page(request, "account.html", viewer, here="account", page=shown)

    @router.get("/inbox")
    async def inbox(request: Request, tab: Tab = "mine") -> Response:
        viewer = web.viewer(request)
        me, now = viewer.person.id, viewer.now
        tabs = await web.database.tab_counts(me, viewer.team, now_ms=now.ms)
        entries = await web.database.inbox(tab, me, viewer.team, now_ms=now.ms)
        shown = {
            "lines": [inbox_view.line(entry, viewer.names, now, viewer=me) for entry in entries],
            "tab": tab,
            "tabs": tabs,
            "heading": inbox_view.heading(tabs),
            "empty": inbox_view.empty(tab, tabs, now),
        }
        return await web.page(request, "inbox.html", viewer, here="inbox", **shown)
