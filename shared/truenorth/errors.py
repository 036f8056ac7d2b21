"""The exception tree. Failure has three ways; whatever is not in this tree crashes the process.

::

    TruenorthError
    ├── TransientError        try again later, with backoff
    ├── PoisonError           this record can never be processed: park it with its reason
    ├── RefusedError          bad input from a person or a program outside: name the field and the cure
    │   └── DefinitionError   the same for a definition file: knows file and line
    ├── HaltError             going on would lose or invent data: stop this worker with a sentence
    └── MissingError          something this command needs is not there (exit code 3)
"""


class TruenorthError(Exception):
    """The root of everything truenorth raises on purpose."""


class TransientError(TruenorthError):
    """It may work later: retry with backoff."""


class PoisonError(TruenorthError):
    """This record can never be processed; it belongs on the dead-letter topic with this reason."""


class RefusedError(TruenorthError):
    """Input was refused.

    ``code`` is stable and machine-readable, ``field`` is the path inside the input (``data.count``, may be
    empty when the whole is meant), the message says what is wrong and what would be right.
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


class DefinitionError(RefusedError):
    """A definition was refused; knows the file and the line (1-based) beside the field."""

    def __init__(self, code: str, message: str, *, file: str, line: int, field: str = "") -> None:
        super().__init__(code, message, field=field)
        self.file = file
        self.line = line

    def __str__(self) -> str:
        """Return ``file:line: field: message``, which editors can follow."""
        where = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}: {where}{self.message}"


class HaltError(TruenorthError):
    """Going on would lose or invent data; the worker stops and a person decides."""


class MissingError(TruenorthError):
    """Something this command needs is not there; the message says what, and the remedy."""
