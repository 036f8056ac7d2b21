"""Runs histories: python -m tests.simulation SEED | --seeds A..B | --script FILE (- for standard input)."""

import argparse
import logging
import sys
import time
from pathlib import Path

from tests.simulation.deeds import History, make
from tests.simulation.run import play, report, shrink


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description="Run the engine under made-up faults."
    )
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--seeds", metavar="A..B", help="all seeds from A to before B")
    parser.add_argument("--script", metavar="FILE", help="a history as JSON")
    told = parser.parse_args()
    if told.seeds:
        logging.disable(logging.WARNING)  # faults are what it is about
    if told.script:
        text = sys.stdin.read() if told.script == "-" else Path(told.script).read_text(encoding="utf-8")
        return judge([History.from_json(text)])
    if told.seeds:
        first, _, last = told.seeds.partition("..")
        return judge([make(seed) for seed in range(int(first), int(last))])
    if told.seed is None:
        parser.error("name a seed, or --seeds, or --script")
    return judge([make(told.seed)])


def judge(histories: list[History]) -> int:
    """Run them all; return 1 when one fails."""
    began_s, steps, seconds, failures = time.perf_counter(), 0, 0.0, 0
    for history in histories:
        verdict = play(history)
        steps += verdict.steps
        seconds += verdict.seconds
        if verdict.wrong:
            failures += 1
            small = shrink(history, lambda tried: bool(play(tried).wrong))
            print(report(history, verdict, small), flush=True)
    took_s = time.perf_counter() - began_s
    print(
        f"{len(histories)} histories, {failures} failed, {steps} steps, {seconds / 3600:.1f} simulated hours "
        f"in {took_s:.1f} s: {len(histories) / took_s:.1f} histories/s"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
