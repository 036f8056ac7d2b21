"""Every cap and span of the state, with its unit in its name."""

from typing import Final

from truenorth import erasures

DAY_MS: Final = 86_400_000
FUTURE_MS_MAX: Final = 5 * 60_000
"""An event's time is believed up to this far ahead of the broker's clock."""
BACKFILL_AGE_MS: Final = DAY_MS
"""An event older than this when it was recorded is history, whatever it says about itself."""

DAY_NUMBER_MAX: Final = 1_000_000
"""Dates after the year 4707 are taken as not told: nothing could be counted from them."""
MILLIS_MAX: Final = DAY_NUMBER_MAX * DAY_MS
RESPONSE_MINUTES_MAX: Final = 10_000_000

USAGE_DAYS_KEPT: Final = 91
ACTORS_MAX: Final = 4_096
FEATURES_MAX: Final = 1_024
MODULES_MAX: Final = 256
DURATION_SECONDS_MAX: Final = 10**9
ERRORS_MAX: Final = 10**9
"""One event is believed up to these, which the contract leaves open: a day's sum has to fit 64 bits."""

HISTORY_DAYS_KEPT: Final = 100
TICKETS_MAX: Final = 2_000
TICKET_MOVES_MAX: Final = 16
SUBSCRIPTIONS_MAX: Final = 500
INVOICES_MAX: Final = 2_000
FAILED_PAYMENTS_MAX: Final = 500
ANSWERS_MAX: Final = 500
NPS_DAYS_VALID: Final = 180
ARR_STEPS_MAX: Final = 64
SEAT_STEPS_MAX: Final = 32
SPELLS_MAX: Final = 16
ENGAGEMENT_KEYS_MAX: Final = 200
ENGAGEMENTS_MAX: Final = 1_000
GAINS_MAX: Final = 500
UNITS_PER_OBJECTIVE_MAX: Final = 4
AMOUNT_MAX: Final = 10**12
AMOUNTS_MAX: Final = 2**62
"""Recorded value is believed up to the first, either way, and its sum (kept in thousandths) ends at the second."""
DEPARTURES_MAX: Final = 200
ADVOCACIES_MAX: Final = 500
ADVOCACY_DAYS_KEPT: Final = 375
INTENT_DAYS_VALID: Final = 180

GRAVESTONE_MS: Final = erasures.KEPT_MS + 30 * DAY_MS
"""How long an erased account's gravestone stands: until every input of that time has surely left the log."""
ERASURE_GRACE_MS: Final = erasures.GRACE_MS
"""Records appended up to this long after an erasure still belong to what was erased."""
ERASED_MEMBERS_MAX: Final = 4_096
ERASURE_REQUESTS_KEPT: Final = 1_024

PULSE_DAYS_VALID: Final = 90
PULSE_EXTREME_DAYS_VALID: Final = 30
USAGE_FIT_DAYS_VALID: Final = 180

POINT_DAYS_KEPT: Final = 15
COMPARE_DAYS: Final = 14
PUBLISH_EVERY_MS: Final = 1_000
DECIDE_EVERY_MS: Final = 500
"""A busy account whose last decision told nothing is not looked at again sooner than this."""
DAY_SPREAD_MS: Final = 30 * 60_000
"""The new day's look at the accounts of a worker is spread over this: half a million take five minutes of a core."""

CHILDREN_MAX: Final = 1_000
CHILDREN_GONE_MAX: Final = 1_000
"""Former children whose last revision a parent remembers, so that an older word does not bring them back."""
ROLL_UP_DEPTH_MAX: Final = 5
"""Generations below an account that can count in its score. Whoever is deeper, or in a circle, counts nowhere."""
ROLL_UP_RETOLD_MS: Final = 30 * DAY_MS
"""A parent is told again after this, though nothing changed: a record older than its topic's retention is gone."""
