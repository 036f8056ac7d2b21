"""The HTTP side: pages, forms, signals and JSON, built on one set of queries."""

from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError

from truenorth_console.api import acts, data, intake, pages
from truenorth_console.api.guard import Guard
from truenorth_console.api.web import NobodyError, Web, address_of
from truenorth_console.metrics import Metrics


def make_api(web: Web, *, metrics: Metrics, clock: Clock) -> Guard:
    """Return the ASGI app."""
    app = FastAPI(title="truenorth console", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    for routes in (pages.routes(web), intake.routes(web), acts.routes(web), data.routes(web)):
        app.include_router(routes)
    _answer_errors(app, web)
    return Guard(app, metrics=metrics, clock=clock)


def _answer_errors(app: FastAPI, web: Web) -> None:
    def trouble(request: Request, status: int, title: str, says: str, **headers: str) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": says}, status_code=status, headers=headers)
        answer = web.bare(request, "trouble.html", status=status, title=title, says=says)
        answer.headers.update(headers)
        return answer

    @app.exception_handler(NobodyError)
    async def nobody(request: Request, _error: Any) -> Response:
        if request.url.path == "/live":
            return Response(status_code=204)  # tells the page to stop asking
        back = address_of(request) if request.method == "GET" else "/"
        return RedirectResponse(f"/who?next={quote(back, safe='/')}", status_code=303)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: Any) -> Response:
        says = error.detail if error.detail != "Not Found" else "There is no such page."
        title = "Not found" if error.status_code == 404 else "That did not work"
        return trouble(request, error.status_code, title, says)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: Any) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return trouble(request, 422, "That address says nothing to us", f"{field}: {first['msg']}.")

    @app.exception_handler(RefusedError)
    async def wrong(request: Request, error: Any) -> Response:
        return trouble(request, 403, "Nothing was done", error.message)

    @app.exception_handler(TransientError)
    async def away(request: Request, _error: Any) -> Response:
        says = "The database does not answer. Nothing is lost; this page tries again in 5 seconds."
        return trouble(request, 503, "One moment", says, **{"retry-after": "5", "refresh": "5"})
