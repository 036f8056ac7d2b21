"""JSON that is not quite JSON: what some SDKs send, brought to strict JSON once, or refused."""

import json
import re
from typing import Final

from truenorth.errors import RefusedError

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def as_strict_json(text: bytes, *, what: str) -> bytes:
    """Return strict JSON: NaN and infinities become null, lone surrogates U+FFFD.

    Raises:
        RefusedError: with code ``what`` when Python's lenient reader cannot read it either.
    """
    try:
        value = json.loads(text, parse_constant=lambda _: None)
        lenient = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise RefusedError(what, "nested too deeply to be read; an event's data is flat") from None
    except ValueError as error:
        raise RefusedError(what, f"not JSON: {str(error)[:200]}") from None
    return _SURROGATES.sub("�", lenient).encode()
