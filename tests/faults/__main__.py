"""``python -m tests.faults [NAME...] [--rounds N] [--json]``: do faults, print the table, exit 1 when one did harm."""

import argparse
import json
import logging
import sys

from truenorth.clock import SystemClock
from truenorth.codec import rfc3339

from tests.faults.faults import BY_NAME
from tests.faults.running import run_fault
from tests.faults.table import Row, table


def main() -> int:
    """Do the chosen faults, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BY_NAME)}; all without")
    parser.add_argument("--rounds", type=int, help="rounds of each fault, instead of its own number")
    parser.add_argument("--seed", type=int, default=7, help="of the choices: who, when, what is sent")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - BY_NAME.keys()):
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that the broker is away is no news here
    clock = SystemClock()
    began_ms = clock.now_ms()
    rows: list[Row] = []
    for name in asked.names or BY_NAME:
        print(f"{name} ...", file=sys.stderr, flush=True)
        row = run_fault(BY_NAME[name], clock, rounds=asked.rounds, seed=asked.seed)
        print(f"  {json.dumps(row.document())}", file=sys.stderr, flush=True)
        rows.append(row)
    if asked.as_json:
        document = {"measured_on": rfc3339(began_ms), "faults": [row.document() for row in rows]}
        print(json.dumps(document, indent=2))
    else:
        print(table(rows))
        for row in rows:
            for sentence in [*row.remarks, *row.verdict.sentences]:
                print(f"- {row.fault}: {sentence}")
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
