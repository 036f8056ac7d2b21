"""How long a receiver asks us to wait, whatever it writes."""

import pytest
from truenorth.clock import ManualClock
from truenorth_notify.adapters.webhook import retry_after_s

NOW_MS = ManualClock().now_ms()


def test_a_wait_is_told_in_seconds_or_as_a_date() -> None:
    assert retry_after_s(" 90 ", now_ms=NOW_MS) == 90
    assert retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", now_ms=0) == 60
    assert retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", now_ms=NOW_MS) == 0


@pytest.mark.parametrize(
    "header",
    ["", "soon", "-5", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +9999999999999"],
)
def test_what_cannot_be_read_asks_for_nothing(header: str) -> None:
    assert retry_after_s(header, now_ms=NOW_MS) is None
