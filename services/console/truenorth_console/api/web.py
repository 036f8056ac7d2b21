"""What every page needs: who looks at it, the templates, the token of its forms."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from truenorth import words
from truenorth.clock import Clock
from truenorth.definitions.model import Person
from truenorth.errors import RefusedError
from truenorth.ids import IdSource

from truenorth_console.adapters.postgres import Database
from truenorth_console.api.live import Hub
from truenorth_console.domain.people import Names, book_of, team_of
from truenorth_console.domain.wording import Now, ago, when, zone_of

HERE: Final = Path(__file__).parent.parent
STATIC: Final = HERE / "static"
PERSON_COOKIE: Final = "truenorth_person"
CSRF_COOKIE: Final = "truenorth_csrf"
COOKIE_S_MAX: Final = 90 * 86_400


class NobodyError(Exception):
    """Nobody has been chosen yet; the answer is the page where one is."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, whose accounts are theirs, who is on their team, and their present, how far pages were told."""

    person: Person
    book: list[str]
    team: list[str]
    now: Now
    names: Names
    sequence: int


class Web:
    """Everything the routes share; ``stale`` says in a sentence when the read models are behind."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        *,
        names: Callable[[], Names],
        stale: Callable[[], str | None],
        wake: Callable[[], None],
        acted: Callable[[str, bool], None],
        clock: Clock,
        id_source: IdSource,
        secret: Callable[[], str],
        ingest_url: str,
    ) -> None:
        self.database = database
        self.hub = hub
        self.names = names
        self.stale = stale
        self.wake = wake
        self.acted = acted
        self.clock = clock
        self.new_id = id_source
        self._secret = secret
        self.ingest_url = ingest_url.rstrip("/")
        self._templates = _environment({path.name: fingerprint(path) for path in sorted(STATIC.iterdir())})

    def viewer(self, request: Request) -> Viewer:
        """Return who looks at the page.

        Raises:
            NobodyError: nobody was chosen, or somebody who is no longer in the definitions.
        """
        names = self.names()
        person = names.people.get(request.cookies.get(PERSON_COOKIE, ""))
        if person is None:
            raise NobodyError
        now = Now(self.clock.now_ms(), zone_of(person.zone))
        return Viewer(
            person, book_of(person, names.people), team_of(person, names.people), now, names, self.hub.sequence
        )

    async def page(self, request: Request, template: str, viewer: Viewer, *, here: str, **shown: Any) -> HTMLResponse:
        """Return a page with its rail."""
        if "counts" not in shown:
            shown["counts"] = await self.database.counts(viewer.book, viewer.now.today)
        if "tabs" not in shown:
            me, now_ms = viewer.person.id, viewer.now.ms
            shown["tabs"] = await self.database.tab_counts(me, viewer.team, now_ms=now_ms)
        return self.bare(request, template, viewer=viewer, stale=self.stale(), here=here, **shown)

    def bare(self, request: Request, template: str, *, status: int = 200, **shown: Any) -> HTMLResponse:
        """Return a page without a rail."""
        known = request.cookies.get(CSRF_COOKIE, "")
        token = known or self._secret()
        text = self._templates.get_template(template).render(
            csrf=token, said=request.query_params.get("said", ""), address=address_of(request), **shown
        )
        answer = HTMLResponse(text, status_code=status)
        if not known:
            set_cookie(answer, CSRF_COOKIE, token)
        return answer


def require_token(request: Request, given: str) -> None:
    """Refuse a form that was not made by one of our pages (the double-submit pattern).

    Raises:
        RefusedError: ``form_expired``.
    """
    token = request.cookies.get(CSRF_COOKIE, "")
    if not token or not hmac.compare_digest(token.encode(), given.encode()):
        raise RefusedError("form_expired", "This form is too old, or not ours. Load the page again and repeat it.")


def redirect(back: str, *, said: str = "") -> RedirectResponse:
    """Return to a page of ours."""
    own = back.startswith("/") and not back.startswith(("//", "/\\"))
    target = back if own else "/"
    if said:
        target += f"{'&' if '?' in target else '?'}said={quote(said)}"
    return RedirectResponse(target, status_code=303)


def set_cookie(answer: Response, name: str, value: str) -> None:
    """Set a cookie that no script reads and no other site sends along."""
    answer.set_cookie(name, value, max_age=COOKIE_S_MAX, httponly=True, samesite="lax", path="/")


def address_of(request: Request) -> str:
    """Return path and query of this page, without what only the last answer said."""
    query = "&".join(f"{quote(key)}={quote(value)}" for key, value in request.query_params.items() if key != "said")
    return quote(request.url.path) + (f"?{query}" if query else "")


def fingerprint(path: Path) -> str:
    """Return eight characters that change with a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def _environment(assets: dict[str, str]) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {
        "asset": lambda name: f"/static/{name}?v={assets[name]}",
        "money": words.money,
        "plural": words.plural,
        "ago": ago,
        "when": when,
    }
    return environment
