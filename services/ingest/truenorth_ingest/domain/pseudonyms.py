"""People inside accounts travel as pseudonyms: a keyed hash, the same person always under the same name."""

import hmac
import re
from functools import lru_cache
from typing import Final

SECRET_CHARS_MIN: Final = 32
_HEX_CHARS: Final = 32
_FORM: Final = re.compile(rf"p_[0-9a-f]{{{_HEX_CHARS}}}")
_REMEMBERED_MAX: Final = 65_536


class Pseudonyms:
    """Keyed hashes (HMAC-SHA256, 128 bits of it) of actor and contact ids.

    Deterministic under one secret, so counts of distinct people stay right; without the secret nobody gets
    from a pseudonym to an id, not even by trying all ids.

    ``of`` returns what already is a pseudonym by its form unchanged. A refused event is kept with pseudonyms in it and
    may be replayed, and then has to mean the same person; and it gives nobody anything: whoever may send events
    can speak of any person already, by the person's id.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < SECRET_CHARS_MIN:
            raise ValueError(f"the pseudonym secret has {len(secret)} characters; it needs {SECRET_CHARS_MIN}")
        key = secret.encode()

        @lru_cache(maxsize=_REMEMBERED_MAX)
        def of(person: str) -> str:
            if _FORM.fullmatch(person):
                return person
            return "p_" + hmac.digest(key, person.encode("utf-8", "replace"), "sha256").hex()[:_HEX_CHARS]

        self.of = of
