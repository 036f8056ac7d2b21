"""Pictures of the console's pages, light and dark: ``python -m tests.e2e.screenshots [ADDRESS] [PERSON]``.

They are taken from a running console (the demo, usually) and written to docs/images.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, Page, async_playwright

from tests.e2e.test_pages import CHROMIUM, FLAGS

IMAGES: Final = Path(__file__).parent.parent.parent / "docs" / "images"
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


async def main(address: str, person: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for scheme in SCHEMES:
            await take(browser, scheme, address, person)
        await browser.close()


async def take(browser: Browser, scheme: Literal["light", "dark"], address: str, person: str) -> None:
    context = await browser.new_context(
        base_url=address, color_scheme=scheme, viewport={"width": 1360, "height": 900}, device_scale_factor=1.5
    )
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("button", name=person).click()
    await page.wait_for_selector("tr[data-key]")
    await shoot(page, f"book-{scheme}")
    await page.locator("tr[data-key] a.name").first.click()
    await page.wait_for_selector("h2:has-text('Timeline')")
    await shoot(page, f"account-{scheme}")
    await page.goto("/inbox")
    await shoot(page, f"inbox-{scheme}")
    await page.goto("/intake")
    await shoot(page, f"intake-{scheme}")
    await context.close()


async def shoot(page: Page, name: str) -> None:
    await page.wait_for_timeout(300)
    await page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "http://127.0.0.1:8480", "Dana Reyes"]
    asyncio.run(main(arguments[0], arguments[1] if len(sys.argv) > 2 else "Dana Reyes"))
