"""The pages in a real browser: book, account and inbox in light and dark, and the keys."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, async_playwright
from truenorth import topics
from truenorth.clock import SystemClock
from truenorth.codec import parse_event
from truenorth.kafka.reader import read_topic
from truenorth_local.stack import LocalStack

from tests.console.bench import Console, eventually, running
from tests.console.builders import alert, entry, snapshot
from tests.console.scene import BOOK, tell, tell_intake

pytestmark = [pytest.mark.browser, pytest.mark.integration]

Scheme = Literal["light", "dark"]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)
SHOTS = os.environ.get("SCREENSHOTS", "")


@pytest.fixture(scope="module")
async def console(stack: LocalStack) -> AsyncIterator[Console]:
    async with running(stack) as one:
        now_ms = SystemClock().now_ms()
        await tell(one, now_ms)
        await tell_intake(one, now_ms)
        yield one


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest.fixture(params=["light", "dark"])
async def page(request: Any, browser: Browser, console: Console) -> AsyncIterator[Page]:
    scheme: Scheme = request.param
    context = await browser.new_context(
        base_url=console.url, color_scheme=scheme, viewport={"width": 1360, "height": 900}
    )
    page = await context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda one: trouble.append(one.url) if not one.url.startswith(console.url) else None)
    await page.goto("/")
    await page.get_by_role("button", name="Dana Reyes").click()
    await page.wait_for_selector("tr[data-key=halden-freight]")
    yield page
    assert trouble == []
    await context.close()


async def shot(page: Page, name: str) -> None:
    scheme = "dark" if await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}.png")


async def test_the_book_is_worst_first_with_everything_in_its_columns(page: Page) -> None:
    await page.wait_for_function("document.querySelectorAll('tr[data-key] svg.spark').length >= 9")
    names = await page.locator("tr[data-key] a.name").all_inner_texts()
    assert names == [one.name for one in BOOK]
    first = page.locator("tr[data-key=halden-freight]")
    text = await first.inner_text()
    for part in ("31", "−22", "Usage down 38 %", "champion left", "7 of 7 · reached", "$212k", "41 days"):
        assert part in text
    assert await first.locator("svg.spark line.cut").count() == 2
    await shot(page, "book")


async def test_the_book_of_many_owners_stays_inside_its_card(page: Page) -> None:
    long = "Small and medium business · Onboarding · Tomas Lindqvist of Copenhagen"
    place = page.locator("tr[data-key=halden-freight] .c-name small")
    await place.evaluate("(place, text) => place.innerText = text", long)
    await page.set_viewport_size({"width": 1280, "height": 900})
    table, card = await page.evaluate(
        "['table.book', '.card:has(table.book)'].map(name => document.querySelector(name).offsetWidth)"
    )
    assert table <= card


async def test_keys_move_open_and_find(page: Page) -> None:
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    assert await page.locator("tr[data-here]").get_attribute("data-key") == BOOK[1].account
    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/accounts/{BOOK[0].account}")
    await page.goto("/")
    await page.keyboard.press("?")
    assert await page.locator("dialog#keys").is_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await page.keyboard.type("corvid")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/?q=corvid")
    assert await page.locator("tr[data-key]").count() == 1


async def test_filters_and_their_empty_states(page: Page) -> None:
    await page.get_by_role("link", name="2 red").click()
    assert await page.locator("tr[data-key]").count() == 2
    await page.goto("/?q=nobody%20is%20called%20so")
    assert "No account is called" in await page.locator(".empty").inner_text()


async def test_an_account_explains_itself(page: Page) -> None:
    await page.get_by_role("link", name="Halden Freight").click()
    await page.wait_for_selector("h1:has-text('Halden Freight')")
    text = await page.locator("main").inner_text()
    for part in ("Why 31", "Usage", "4.0 of 20", "closing the P1", "Turned red", "Paul Brandt", "Economic buyer"):
        assert part in text
    await shot(page, "account")


async def test_the_inbox_shows_what_waits(page: Page) -> None:
    await page.goto("/inbox")
    assert await page.locator("article.alert").count() >= 4
    await shot(page, "inbox")


async def test_the_key_a_acknowledges_and_the_page_follows(page: Page, console: Console) -> None:
    now_ms = SystemClock().now_ms()
    scheme = await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    raised = alert("marlowe-insurance", now_ms, alert_id=f"key-{scheme}", title=f"Marlowe slipped ({scheme})")
    await page.goto("/inbox")
    await console.say("marlowe-insurance", entry(raised))
    await page.wait_for_selector(f"article[data-key='{raised.alert_id}']")  # live: nothing was loaded again
    first = page.locator("article.alert").first
    await page.locator(f"article[data-key='{raised.alert_id}']").focus()
    assert await first.get_attribute("data-here") is not None
    await page.keyboard.press("a")

    async def acted() -> bool:
        records = read_topic(console.stack.bootstrap, topics.full_name("actions"))
        said = [parse_event(record.value).data async for record in records if record.value]
        return any(getattr(one, "alert_id", "") == raised.alert_id for one in said)

    await eventually(acted)
    await console.say("marlowe-insurance", entry(raised, revision=2, state="acknowledged", by="dana.reyes"))
    await page.wait_for_selector(f"article[data-key='{raised.alert_id}'].acknowledged")
    done = entry(raised, revision=3, state="done", by="dana.reyes", changed_ms=now_ms + 1)
    await console.say("marlowe-insurance", done)
    await page.wait_for_selector(f"article[data-key='{raised.alert_id}']", state="detached")


async def test_a_change_arrives_on_the_open_book_and_fades_once(page: Page, console: Console) -> None:
    now_ms = SystemClock().now_ms()
    revision = now_ms
    why = [(f"Seen at {now_ms}", True)]
    told = snapshot(
        "marlowe-insurance", now_ms, band="green", score=87.0, name="Marlowe Insurance", arr=17_500_000,
        renews_in=240, why=why, attention=192.0, revision=revision, milestones=[],
    )  # fmt: skip
    await console.say("marlowe-insurance", told)
    await page.wait_for_selector(f"tr.changed:has-text('Seen at {now_ms}')")


async def test_the_intake_says_what_was_refused_and_what_waits(page: Page) -> None:
    await page.get_by_role("link", name="Intake").click()
    await page.wait_for_selector("tr:has-text('cus_8'):has-text('has found its account')")  # live, if it has to be
    assert await page.locator("nav a[aria-current]").inner_text() == "Intake"
    text = await page.locator("main").inner_text()
    for part in ("14 events refused in the last 24 hours; 15 wait for their account", "did you mean usage.recorded?"):
        assert part in text
    first = page.locator("tr:has-text('correct data.count')")
    assert await first.locator("svg.hours rect").count() in {1, 2}
    assert "stripe:cus_9 · 14 events wait: tell us whose it is" in text
    assert "/v1/identities/stripe/cus_9" in await page.locator("tr:has-text('cus_9') pre.cmd").inner_text()
    await shot(page, "intake")


async def test_a_refusal_is_opened_by_keys_and_says_how_to_take_it_after_all(page: Page) -> None:
    await page.goto("/intake")
    await page.wait_for_selector("tr:has-text('did you mean usage.recorded?')")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/intake/refusals/*")
    place = page.url.rpartition("/")[2]
    text = await page.locator("main").inner_text()
    assert f"truenorth quarantine replay {place}" in text
    assert '"count": 0' in text
    assert "billing-backend" in text
    await shot(page, "refusal")
    await page.get_by_role("link", name="Intake").first.click()
    await page.wait_for_url("**/intake")


async def test_the_intake_on_a_phone_is_a_list_that_fits(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto("/intake")
    await page.wait_for_selector("tr:has-text('did you mean usage.recorded?')")
    wide, shown = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= shown
    await shot(page, "intake-phone")


async def test_the_intake_reads_without_javascript(browser: Browser, console: Console) -> None:
    context = await browser.new_context(base_url=console.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/intake")
    await page.get_by_role("button", name="Dana Reyes").click()
    await page.get_by_role("link", name="did you mean usage.recorded?").click()
    assert "truenorth quarantine replay" in await page.locator("main").inner_text()
    await context.close()
