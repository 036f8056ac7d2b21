"""Definitions that health can work with: those of a bundle, or a refusal that says what they lack."""

from truenorth.definitions.model import Bundle
from truenorth.errors import RefusedError

from truenorth_health.domain.compiled import Compiled, compile_definitions
from truenorth_health.domain.signals import INDEX


def usable(bundle: Bundle) -> Compiled:
    """Return the bundle made ready for scoring.

    What is in force was linted, but perhaps by another version of the program, with other signals.

    Raises:
        RefusedError: ``definitions_unusable``; deciding with them would fail.
    """
    try:
        compiled = compile_definitions(bundle)
    except KeyError as error:
        raise _refused(bundle, f"they name {error.args[0]!r}, which does not exist here") from error
    except (ValueError, ArithmeticError) as error:
        raise _refused(bundle, str(error)) from error
    for rung in compiled.ladder:
        for condition in rung.conditions:
            if condition.of != "score" and condition.of not in INDEX:
                raise _refused(bundle, f"their ladder asks for {condition.of!r}, which does not exist here")
    return compiled


def _refused(bundle: Bundle, why: str) -> RefusedError:
    message = (
        f"definitions {bundle.hash} are of no use to this program: {why}; lint them with this version, apply again"
    )
    return RefusedError("definitions_unusable", message)
