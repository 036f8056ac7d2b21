"""Whose call it is: the account that it names, in a fixed order, else the people whose account may be known."""

from truenorth.errors import RefusedError
from truenorth.ids import ACCOUNT_ID_CHARS_MAX

from truenorth_ingest.domain.lookups import actor_lookup
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.domain.tracking.calls import Call, Context, Named

PERSON_CHARS_MAX = 256


def account_named(call: Call, shared: Context | None) -> str:
    """Return the account that a call names, or nothing.

    The order is ``groupId`` of a ``group`` call, ``context.groupId``, ``properties``, ``context.traits``, ``traits``;
    in each of the last three ``groupId``, ``accountId``, ``account_id``, ``accountExternalId``. ``shared`` is the
    context of the whole batch.

    Raises:
        RefusedError: ``subject_invalid``: it names one by something that cannot be an id.
    """
    if call.type == "group" and call.group_id is not None:
        return _id(call.group_id, "groupId")
    context = call.context
    if context is not None and context.group_id is not None:
        return _id(context.group_id, "context.groupId")
    account = ""
    if call.properties is not None:
        account = _in(call.properties, "properties")
    if not account and context is not None and context.traits is not None:
        account = _in(context.traits, "context.traits")
    if not account and call.traits is not None:
        account = _in(call.traits, "traits")
    if not account and shared is not None and shared.group_id is not None:
        account = _id(shared.group_id, "context.groupId")
    return account


def people_of(call: Call, people: Pseudonyms) -> tuple[str, ...]:
    """Return the pseudonyms of those who called: the user first, then the anonymous visitor.

    Raises:
        RefusedError: ``actor_missing`` or ``actor_invalid``.
    """
    user, visitor = call.user_id, call.anonymous_id
    if user is not None and user != "":
        first = people.of(_person(user, "userId"))
        if visitor is None or visitor in {"", user}:
            return (first,)
        return first, people.of(_person(visitor, "anonymousId"))
    if visitor is not None and visitor != "":
        return (people.of(_person(visitor, "anonymousId")),)
    raise RefusedError("actor_missing", "a call says who: add userId or anonymousId", field="userId")


def lookups_of(pseudonyms: tuple[str, ...]) -> tuple[str, ...]:
    """Return what an account is looked up by for these people."""
    if len(pseudonyms) == 1:
        return (actor_lookup(pseudonyms[0]),)
    return tuple([actor_lookup(pseudonym) for pseudonym in pseudonyms])


def _in(named: Named, where: str) -> str:
    if named.group is not None:
        return _id(named.group, f"{where}.groupId")
    if named.account is not None:
        return _id(named.account, f"{where}.accountId")
    if named.account_snake is not None:
        return _id(named.account_snake, f"{where}.account_id")
    if named.external is not None:
        return _id(named.external, f"{where}.accountExternalId")
    return ""


def _id(given: object, where: str) -> str:
    if isinstance(given, str):
        account = given
    elif isinstance(given, int) and not isinstance(given, bool):
        account = str(given)
    else:
        raise RefusedError("subject_invalid", "an account id is a text or a whole number", field=where)
    if not 0 < len(account) <= ACCOUNT_ID_CHARS_MAX or not account.isprintable() or account != account.strip():
        raise RefusedError(
            "subject_invalid",
            f"an account id has 1 to {ACCOUNT_ID_CHARS_MAX} printable characters and no space at its ends",
            field=where,
        )
    return account


def _person(given: str | int, where: str) -> str:
    person = str(given)
    if len(person) > PERSON_CHARS_MAX:
        raise RefusedError("actor_invalid", f"an id of a person has 1 to {PERSON_CHARS_MAX} characters", field=where)
    return person
