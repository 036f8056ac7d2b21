"""The forms: choosing who you are, and what people do about alerts, tasks and accounts."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import (
    AlertAcknowledged,
    AlertDone,
    AlertNotUseful,
    AlertSnoozed,
    NoteAdded,
    PulseSet,
    TaskDone,
    TaskSnoozed,
)
from truenorth.events.work import AlertFeedChanged

from truenorth_console.api.web import PERSON_COOKIE, Viewer, Web, redirect, require_token, set_cookie
from truenorth_console.domain.wording import next_morning_ms
from truenorth_console.handlers import moment_of_action
from truenorth_console.ports import Action

SEEN_S_MAX: Final = 2.0
TEXT_CHARS_MAX: Final = 2000

AlertAct = Literal["acknowledge", "snooze", "done", "not_useful"]
WordAct = Literal["pulse", "note"]
TaskAct = Literal["task_done", "task_skip", "task_snooze"]
Text = Annotated[str, Form(max_length=TEXT_CHARS_MAX)]
Seen = Callable[[], Awaitable[bool]]

_MOVED: Final = {"acknowledge": {"acknowledged", "done", "resolved"}, "snooze": {"done"}, "done": {"done"}}


def routes(web: Web) -> APIRouter:
    """Return the routes of all forms."""
    router = APIRouter()
    _add_who(router, web)
    _add_alert(router, web)
    _add_account(router, web)
    return router


def _add_who(router: APIRouter, web: Web) -> None:
    @router.get("/who")
    async def who(request: Request, next: str = "/") -> Response:  # noqa: A002 - the word in the address
        names = web.names()
        owned = await web.database.owners()
        people = [(person, *owned.get(person.id, (0, 0))) for person in names.people.values()]
        return web.bare(request, "who.html", people=people, back=next, me=request.cookies.get(PERSON_COOKIE, ""))

    @router.post("/who")
    async def choose(request: Request, person: Text, csrf: Text = "", back: Text = "/") -> Response:
        require_token(request, csrf)
        if person not in web.names().people:
            raise HTTPException(404, f"Nobody called {person} is in the definitions.")
        answer = redirect(back)
        set_cookie(answer, PERSON_COOKIE, person)
        return answer


def _add_alert(router: APIRouter, web: Web) -> None:
    @router.post("/inbox/act")
    async def act(
        request: Request, alert: Text, do: Annotated[AlertAct, Form()], csrf: Text = "", back: Text = "/inbox"
    ) -> Response:
        require_token(request, csrf)
        viewer = web.viewer(request)
        before = await web.database.feed_of(alert)
        if not before:
            raise HTTPException(404, "This alert is not in anybody's inbox.")

        async def seen() -> bool:
            return _shows(do, await web.database.feed_of(alert), before)

        payload = _about_alert(do, viewer, alert)
        return await _carry_out(web, viewer, before[0].alert.account, payload, back=back, seen=seen)


def _add_account(router: APIRouter, web: Web) -> None:
    @router.post("/accounts/{account}/act")
    async def act(
        request: Request,
        account: str,
        do: Annotated[WordAct | TaskAct, Form()],
        csrf: Text = "",
        back: Text = "",
        task: Text = "",
        rating: Annotated[int, Form(ge=1, le=5)] = 3,
        text: Text = "",
    ) -> Response:
        require_token(request, csrf)
        viewer = web.viewer(request)
        if await web.database.account(account) is None:
            raise HTTPException(404, f"No account {account} is scored here.")
        target = back or f"/accounts/{account}"
        if do == "pulse":
            return await _carry_out(web, viewer, account, PulseSet(viewer.person.id, rating, text.strip()), back=target)
        if do == "note":
            if not text.strip():
                raise HTTPException(422, "The note is empty; write a line first.")
            return await _carry_out(web, viewer, account, NoteAdded(viewer.person.id, text.strip()), back=target)
        return await _about_a_task(web, viewer, account, task, do, back=target)


async def _about_a_task(web: Web, viewer: Viewer, account: str, task: str, do: TaskAct, *, back: str) -> Response:
    held = await web.database.task(task)
    if held is None or held.account != account:
        raise HTTPException(404, "There is no such task.")

    async def seen() -> bool:
        now = await web.database.task(task)
        return now is None or now.revision > held.revision

    me = viewer.person.id
    payload: PayloadStruct = (
        TaskSnoozed(me, task, next_morning_ms(viewer.now))
        if do == "task_snooze"
        else TaskDone(me, task, "done" if do == "task_done" else "skipped")
    )
    return await _carry_out(web, viewer, account, payload, back=back, seen=seen)


async def _carry_out(
    web: Web, viewer: Viewer, account: str, payload: PayloadStruct, *, back: str, seen: Seen | None = None
) -> Response:
    """Write it down, wait up to two seconds for the topics to answer, and return to the page."""
    action = Action(web.new_id(), account, viewer.person.id, web.clock.now_ms(), payload)
    await web.database.record(action)
    web.wake()

    async def on_timeline() -> bool:
        return await web.database.has_moment(moment_of_action(action.action_id))

    answered = await web.hub.until(seen or on_timeline, seconds=SEEN_S_MAX)
    web.acted(TYPE_OF_PAYLOAD[type(payload)], answered)
    return redirect(back, said="" if answered else "sent")


def _about_alert(do: AlertAct, viewer: Viewer, alert: str) -> PayloadStruct:
    me = viewer.person.id
    if do == "acknowledge":
        return AlertAcknowledged(me, alert)
    if do == "snooze":
        return AlertSnoozed(me, alert, next_morning_ms(viewer.now))
    return AlertDone(me, alert) if do == "done" else AlertNotUseful(me, alert)


def _shows(do: AlertAct, now: list[AlertFeedChanged], before: list[AlertFeedChanged]) -> bool:
    """Tell whether the feed shows what was done; what was so before is shown at once."""
    if do == "not_useful":
        return any(entry.not_useful for entry in now)
    revisions = {entry.recipient: entry.revision for entry in before}
    return any(entry.state in _MOVED[do] or entry.revision > revisions.get(entry.recipient, 0) for entry in now)
