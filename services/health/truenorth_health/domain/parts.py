"""The parts of an account's state: compact structs, each written by one source only.

Days are epoch days (UTC), times epoch milliseconds, money minor units. What a part keeps never depends on
definitions, on how sources interleave or on where batches end.
"""

from msgspec import Struct, field
from truenorth.events.health import Band


class UsageDay(Struct, array_like=True, gc=False):
    """One day: events, bitmaps over the slots of members, features and modules (little-endian bits), and sums."""

    day: int = -1
    count: int = 0
    actors: bytearray = field(default_factory=bytearray)
    features: bytearray = field(default_factory=bytearray)
    modules: bytearray = field(default_factory=bytearray)
    seconds: int = 0
    errors: int = 0


class Usage(Struct, array_like=True, gc=False):
    """The hot part of usage: the newest day, with counts per feature slot, and permanent totals.

    ``*_over`` and ``late`` count the events that a cap, the sample of actors or the retention of days left out;
    ``past_changes`` how often a day before the newest one changed.
    """

    today: UsageDay = field(default_factory=UsageDay)
    counts: dict[int, int] = {}
    last_ms: int = 0
    events: int = 0
    late: int = 0
    actors_over: int = 0
    features_over: int = 0
    modules_over: int = 0
    past_changes: int = 0


class UsageNames(Struct, array_like=True, gc=False):
    """Feature and module names by slot, and the first day each feature was ever used (permanent)."""

    features: list[str] = []
    first_days: list[int] = []
    modules: list[str] = []


class UsageMembers(Struct, array_like=True, gc=False):
    """8-byte hashes of actors, concatenated; an actor's slot is its position.

    Above the cap only a sample is kept: hashes whose first ``shift`` bits are zero, each standing for 2**shift actors.
    """

    hashes: bytearray = field(default_factory=bytearray)
    shift: int = 0


class UsagePast(Struct, array_like=True, gc=False):
    """Sealed days before the newest, ascending."""

    days: list[UsageDay] = []


class UsageCounts(Struct, array_like=True, gc=False):
    """Sealed counts: day -> feature slot -> events."""

    days: dict[int, dict[int, int]] = {}


class UsageWindows(Struct, array_like=True, gc=False):
    """What the days before ``day`` give to windows that end with it: worked out once, and written by `decide`.

    Lists run over the windows of 7, 14, 28 and 90 days. ``stamp`` says what it was made from (`usage_windows`),
    ``newest`` is the last day with usage (-1: none). ``before_7`` counts the events of days 7 to 34 back,
    ``before_28`` and ``actors_before_28`` what was 28 to 55 days back; ``daily_actors`` sums the actors of each day.
    """

    day: int = -1
    stamp: int = 0
    newest: int = -1
    counts: list[int] = []
    actors: list[bytes] = []
    features: list[bytes] = []
    modules: bytes = b""
    before_7: int = 0
    before_28: int = 0
    actors_before_28: int = 0
    active_days: int = 0
    daily_actors: int = 0
    seconds: int = 0
    errors: int = 0


class Ticket(Struct, array_like=True, gc=False):
    """A ticket; each ``*_at`` is the event time that decided the field before it.

    ``heard_ms`` is the time of the earliest word of it, ``opened_ms`` that of its opening (None: never told).
    ``moves`` are its openings, solutions and reopenings, ascending, each ``time << 2 | kind`` (see `fold_tickets`).
    """

    heard_ms: int
    opened_ms: int | None = None
    moves: list[int] = []
    priority: str = "p3"
    priority_at: int = 0
    escalated: bool = False
    escalated_at: int = 0
    response_minutes: int | None = None
    response_at: int = 0
    rating: float | None = None
    rating_at: int = 0
    updated: bool = False


class Tickets(Struct, array_like=True, gc=False):
    """Tickets by id."""

    by_id: dict[str, Ticket] = {}
    newest_ms: int = 0
    over: int = 0


class Subscription(Struct, array_like=True, gc=False):
    """A subscription; each ``*_at`` is the event time that decided the field before it.

    ``arr_steps``, ``seat_steps`` and ``spells`` are (from ms, value), ascending: yearly minor units, seats, and 1 while
    active or 0 from an end on. ``started_ms`` is its earliest word: it counts as active from then on.
    """

    started_ms: int
    plan: str = "default"
    plan_at: int = 0
    trial: bool = False
    trial_at: int = 0
    renews_on: str | None = None
    renews_at: int = 0
    arr_steps: list[tuple[int, int]] = []
    seat_steps: list[tuple[int, int]] = []
    spells: list[tuple[int, int]] = []
    source: str = ""
    changed_at: int = 0


class Invoice(Struct, array_like=True, gc=False):
    """An invoice; ``seen_ms`` is its earliest word, ``due_day`` None until told; ``overdue`` once somebody said so.

    ``due_at`` is the time of the word that told the due day; 0: nobody did, the day it was called overdue stands in.
    """

    seen_ms: int
    amount: int = 0
    due_day: int | None = None
    overdue: bool = False
    paid_ms: int | None = None
    amount_at: int = 0
    due_at: int = 0


class Billing(Struct, array_like=True, gc=False):
    """Subscriptions, invoices and the moments of failed payments."""

    subscriptions: dict[str, Subscription] = {}
    had_subscription: bool = False
    invoices: dict[str, Invoice] = {}
    failed_ms: list[int] = []
    newest_ms: int = 0
    over: int = 0


class Answer(Struct, array_like=True, gc=False):
    """One survey answer on its own scale; ``who`` is a hash of the respondent, empty when nobody was named."""

    at_ms: int
    score: float
    role: str = ""
    who: str = ""


class Surveys(Struct, array_like=True, gc=False):
    """Latest NPS answer per respondent (hash) or role, and CSAT and CES answers of the last 100 days, ascending."""

    nps: dict[str, Answer] = {}
    csat: list[Answer] = []
    ces: list[Answer] = []
    newest_ms: int = 0
    over: int = 0


class FactKept(Struct, array_like=True, gc=False):
    """A fact: the latest by (event time, event id)."""

    value: str | int | bool | list[str] | dict[str, str] | None
    source: str
    time_ms: int
    event_id: str


class Accounts(Struct, array_like=True, gc=False):
    """Facts by name, yearly value and seats over time, and whether they left."""

    facts: dict[str, FactKept] = {}
    known: bool = False
    arr_steps: list[tuple[int, int]] = []
    churned: bool = False
    churn_at: tuple[int, str] = (0, "")
    churn_reason: str = ""
    refund: int | None = None
    newest_ms: int = 0
    seat_steps: list[tuple[int, int]] = []


class Said(Struct, array_like=True, gc=False):
    """What a person set: value, why, who, when (with the event id that breaks a tie) and until when."""

    at_ms: int
    event_id: str
    by: str
    value: float | None = None
    reason: str = ""
    expires_ms: int | None = None


class Actions(Struct, array_like=True, gc=False):
    """Pulse (1..5), override (a score), usage fit (the factor on usage's weight), counted notes, essential (1..5)."""

    pulse: Said | None = None
    override: Said | None = None
    fit: Said | None = None
    notes: int = 0
    newest_ms: int = 0
    essential: Said | None = None


class Erasures(Struct, array_like=True, gc=False):
    """The gravestone of an account, and the hashes of erased actors and contacts with the record's time.

    ``requests`` are hashes of the latest requests carried out: a sender that repeats one, however late, changes
    nothing and is not answered twice.
    """

    account_ms: int | None = None
    members: dict[int, int] = {}
    requests: list[int] = []


class ChildKept(Struct, array_like=True, gc=False):
    """A child account's latest word; ``at_ms`` is its record's time."""

    revision: int
    band: Band
    score: float | None
    arr: int | None
    depth: int
    at_ms: int


class Children(Struct, array_like=True, gc=False):
    """Child accounts by id; of those that left, the last revision and when; ``over`` counts words of too many."""

    by_id: dict[str, ChildKept] = {}
    gone: dict[str, tuple[int, int]] = {}
    over: int = 0
