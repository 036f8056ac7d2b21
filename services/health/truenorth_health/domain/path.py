"""The path: what depends on the way here (hysteresis, holds, open findings), written by `decide` alone."""

from msgspec import Struct
from truenorth.events.health import Band, DimensionResult


class MilestoneMark(Struct, array_like=True, gc=False):
    """Where a milestone stood last, by which ``version`` of its definition.

    Once reached: ``reached_day``, whether that was ``late``, and how many days it took.
    """

    status: str
    version: str
    reached_day: int | None = None
    late: bool = False
    took_days: int | None = None


class Point(Struct, array_like=True, gc=False):
    """A day's last score with the contribution per measure, in the order of the scorecard ``version``."""

    day: int
    score: float | None
    version: str
    contributions: list[float] = []


class Points(Struct, array_like=True, gc=False):
    """The last 15 sealed days, ascending."""

    days: list[Point] = []


class Frozen(Struct, array_like=True, gc=False):
    """The last score of a churned account, with all that was made it from; nothing re-scores it."""

    at_ms: int = 0
    band: Band = "unknown"
    score: float | None = None
    computed: float | None = None
    coverage: float = 0.0
    scorecard: str = ""
    version: str = ""
    cut_yellow: float = 0.0
    cut_red: float = 0.0
    dimensions: list[DimensionResult] = []
    signals: dict[str, float | None] = {}


class Told(Struct, array_like=True, gc=False):
    """What a parent account was told last: ``shown`` score (-1: none), band, ARR and generations below the parent.

    ``parent`` is empty while nobody has to know; ``revision`` counts what was told and only rises.
    """

    parent: str = ""
    revision: int = 0
    shown: int = -1
    band: str = ""
    arr: int | None = None
    depth: int = 0
    at_ms: int = 0


class Parked(Struct, array_like=True, gc=False):
    """Where an account stood under the definitions before these: should they come back, it goes on from there."""

    scoring: str
    band: str
    leaving_ms: int | None
    leaving_causes: int
    findings: dict[str, int]


class Path(Struct, array_like=True, gc=False):
    """Everything that `decide` remembers between two decisions.

    ``pending`` is the set of causes (bits of `Cause`) folded since the last decision that was carried out.
    ``leaving_ms`` is since when the score asks for another band, ``leaving_causes`` why; ``print`` what was
    published last; ``day_told`` the last point told to `health-daily` (day, shown score or -1, band); ``told`` what
    the parent account was told last (None: never had one); ``shadow`` the shadow scorecard and its band.
    """

    revision: int = 0
    number: int = 0
    now_ms: int = 0
    ordinal: int = 0
    scoring: str = ""
    pending: int = 0
    band: str = ""
    leaving_ms: int | None = None
    score: float | None = None
    scorecard: str = ""
    segment: str = ""
    phase: str = ""
    churned: bool = False
    published_ms: int = 0
    due_ms: int | None = None
    print: bytes = b""
    findings: dict[str, int] = {}
    milestones: dict[str, MilestoneMark] = {}
    today: Point | None = None
    day_told: tuple[int, int, str] = (-1, -1, "")
    leaving_causes: int = 0
    tombstoned: bool = False
    told: Told | None = None
    shadow: tuple[str, str] = ("", "")
    parked: Parked | None = None
