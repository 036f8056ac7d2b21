"""Histories: lists of deeds, made up front from a seed. Each deed has what it needs in itself: any can be left out."""

import json
import random
from collections.abc import Sequence
from typing import NamedTuple

POINTS = (
    "before commit",
    "send",
    "before end",
    "after commit",
    "open writer",
    "writer opened",
    "read",
    "spans",
    "join",
    "poll",
    "polled",
    "positions",
    "ends",
    "ends known",
    "show",
)
COMMIT_POINTS = POINTS[:4]
OPENING_POINTS = POINTS[4:8]
ACTS = ("crash", "pause", "expel", "stall", "stall", "rebalance", "fail", "late", "undelivered", "away")

WORKERS_MAX = 3
DEEDS_MIN, DEEDS_MAX = 30, 90


class Deed(NamedTuple):
    """One thing that happens, ``after`` so many steps; ``pick`` and ``amount`` mean what the kind makes of them."""

    kind: str
    after: int
    seed: int
    pick: int = 0
    amount: int = 0
    text: str = ""


class History(NamedTuple):
    """What is done to one world: how it is made, and the deeds."""

    seed: int
    deeds: Sequence[Deed]
    partitions: int = 2
    ending: str = ""

    def to_json(self) -> str:
        deeds = [list(deed) for deed in self.deeds]
        return json.dumps({"seed": self.seed, "partitions": self.partitions, "ending": self.ending, "deeds": deeds})

    @classmethod
    def from_json(cls, text: str) -> "History":
        read = json.loads(text)
        return cls(read["seed"], [Deed(*deed) for deed in read["deeds"]], read["partitions"], read["ending"])


_TRAFFIC = {"send": 18, "guests": 2, "duplicate": 8, "poison": 1, "erase": 2, "hold": 1, "release": 2, "wait": 4}
_FAULTS = {
    "start": 4,
    "stop": 1,
    "crash": 3,
    "pause": 3,
    "resume": 3,
    "expel": 3,
    "rebalance": 2,
    "trap": 16,
    "away": 1,
    "flaky": 3,
    "time_out": 1,
    "compact": 2,
    "retain": 1,
    "jump": 2,
    "redeliver": 1,
    "define": 4,
    "learn": 4,
    "upgrade": 1,
}


def make(seed: int) -> History:
    """Make up the history of a seed. Each has faults of some kinds only, so that none hides the others."""
    lot = random.Random(seed)
    kinds = dict(_TRAFFIC)
    left_out = set(lot.sample(sorted(_FAULTS), lot.randrange(len(_FAULTS) // 2 + 1)))
    kinds |= {kind: weight for kind, weight in _FAULTS.items() if kind not in left_out}
    names, weights = list(kinds), list(kinds.values())
    chosen = lot.choices(names, weights, k=lot.randrange(DEEDS_MIN, DEEDS_MAX))
    deeds = [_deed("start", lot), *[_deed("start", lot)] * (lot.random() < 0.5), _deed("send", lot)]
    deeds += [_deed(kind, lot) for kind in chosen]
    ending = lot.choices(["", "trimmed while away", "trimmed while asleep"], [18, 1, 1])[0]
    return History(seed, deeds, lot.choice([2, 2, 3, 4]), ending)


def _deed(kind: str, lot: random.Random) -> Deed:
    after = lot.choice([0, 1, 3, 8, 20, 40])
    pick, seed = lot.randrange(1_000_000), lot.randrange(1 << 32)
    text = ""
    amount = lot.randrange(1, 8)
    if kind == "send":
        amount = lot.choice([1, 4, 12])
    elif kind == "trap":
        points = lot.choice([COMMIT_POINTS, COMMIT_POINTS, OPENING_POINTS, POINTS])
        point = lot.choice(points)
        text = f"{point}/{lot.choice(ACTS) if point != 'send' else lot.choice([*ACTS, *3 * ['undelivered']])}"
        amount = lot.randrange(4)
    elif kind in {"wait", "pause", "away", "flaky"}:
        amount = lot.choice([50, 300, 1_000, 5_000, 12_000])
    elif kind == "jump":
        amount = lot.choice([-10_000, -1_000, -30, 500, 3_000, 10_000])
    elif kind == "compact":
        amount = lot.randrange(101)
    return Deed(kind, after, seed, pick, amount, text)
