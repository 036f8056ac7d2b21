"""However accounts are each other's parents, telling comes to rest, and only true families count."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st
from truenorth.events.health import ChildScored
from truenorth.topics import HEALTH_SOURCES
from truenorth_health.domain.family import children_of, tell
from truenorth_health.domain.fold import fold
from truenorth_health.domain.limits import ROLL_UP_DEPTH_MAX
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState, new_state

from tests.health.builders import NOON, event

ROLL_UPS = HEALTH_SOURCES.index("roll-ups")
ACCOUNTS = [f"account-{number}" for number in range(9)]
PARENTS = st.lists(st.sampled_from(["", *ACCOUNTS]), min_size=len(ACCOUNTS), max_size=len(ACCOUNTS))


class World:
    """Accounts whose score is the mean of their own 50 and of their children, and the records between them."""

    def __init__(self) -> None:
        self.states = {account: new_state(account) for account in ACCOUNTS}
        self.parents: dict[str, str] = {}
        self.on_the_way: deque[tuple[str, ChildScored]] = deque()
        self.now_ms = NOON

    def settle(self, parents: list[str]) -> int:
        """Let these be the parents, and everybody tell until all is said; return how many records that took."""
        self.parents = dict(zip(ACCOUNTS, parents, strict=True))
        for account in ACCOUNTS:
            self._speak(self.states[account])
        count = 0
        while self.on_the_way:
            account, told = self.on_the_way.popleft()
            self.now_ms += 1
            one = event(told, self.now_ms, f"e{self.now_ms}", account=account)
            fold(self.states[account], ROLL_UPS, one, self.now_ms)
            self._speak(self.states[account])
            count += 1
            assert count < 5_000, "telling does not come to rest"
        return count

    def _speak(self, state: AccountState) -> None:
        scores = [50.0, *(child.score for child in children_of(state) if child.score is not None)]
        parent = self.parents[state.account] or None
        score = sum(scores) / len(scores)
        path = state.write(Path)
        self.on_the_way += tell(state, path, parent_id=parent, score=score, band="yellow", arr=1, now_ms=self.now_ms)

    def families(self) -> dict[str, list[str]]:
        return {account: [child.account for child in children_of(state)] for account, state in self.states.items()}


def height(account: str, parents: dict[str, str], seen: frozenset[str] = frozenset()) -> int:
    """Return the generations from this account downwards; more than may be for whoever is above a circle."""
    if account in seen:
        return ROLL_UP_DEPTH_MAX + 1
    kids = [child for child, parent in parents.items() if parent == account and child != account]
    below = max((height(kid, parents, seen | {account}) for kid in kids), default=0)
    return min(below, ROLL_UP_DEPTH_MAX) + 1


@given(st.lists(PARENTS, min_size=1, max_size=4))
def test_telling_comes_to_rest_and_leaves_the_families_of_the_last_word(words: list[list[str]]) -> None:
    world = World()
    for parents in words:
        world.settle(parents)
    expected: dict[str, list[str]] = {account: [] for account in ACCOUNTS}
    for child, parent in world.parents.items():
        if parent and parent != child and height(child, world.parents) <= ROLL_UP_DEPTH_MAX:
            expected[parent].append(child)
    assert world.families() == expected
