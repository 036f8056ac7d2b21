"""The definitions as JSON Schema, for editors that complete and check YAML while it is written."""

from typing import Any

import msgspec

from truenorth.definitions.model import Definitions
from truenorth.definitions.signals import FINDINGS, SIGNALS


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a file of definitions, known signals and findings as enumerations."""
    schema = msgspec.json.schema(Definitions)
    names = [signal.name for signal in SIGNALS]
    defs = schema["$defs"]
    defs["Measure"]["properties"]["signal"]["enum"] = names
    defs["ScoreException"]["properties"]["when"]["enum"] = names
    defs["Condition"]["properties"]["of"]["enum"] = [*names, "score"]
    defs["FindingRule"]["properties"]["id"]["enum"] = list(FINDINGS)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "truenorth definitions"} | schema
