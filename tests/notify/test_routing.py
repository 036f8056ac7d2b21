from truenorth.definitions.model import Person, Route
from truenorth_notify.domain.routing import CHANNELS, NOBODY, Target, recipient_of, route_of, targets_of

from tests.notify.builders import ANA, EVERYWHERE, HOOK, MO, OPS, alert, definitions

ALL_ON = frozenset(CHANNELS)


def test_the_first_route_that_matches_wins() -> None:
    loud = Route(id="loud", channels=["email"], severities=["high"])
    red = Route(id="red", channels=["webhook"], playbooks=["red-account"], webhook="crm")
    assert route_of(alert(severity="high"), [loud, red]) is loud
    assert route_of(alert(severity="low"), [loud, red]) is red
    assert route_of(alert(severity="low", playbook="other"), [loud, red]) is None


def test_without_a_route_an_alert_goes_to_the_feed_alone() -> None:
    assert targets_of(alert(), definitions(routes=[]), ALL_ON) == (Target("inapp", "ana"),)


def test_a_route_reaches_each_of_its_channels_once() -> None:
    twice = Route(id="twice", channels=["email", "inapp", "email", "webhook"], webhook="crm")
    assert targets_of(alert(), definitions(routes=[twice]), ALL_ON) == (
        Target("inapp", "ana"),
        Target("email", "ana", address=ANA.email),
        Target("webhook", "crm", address=HOOK.url),
    )


def test_an_unknown_owner_falls_back_to_operations_then_to_a_manager() -> None:
    assert recipient_of("ghost", [ANA, MO, OPS]) is OPS
    assert recipient_of("ghost", [ANA, MO]) is MO
    assert recipient_of("ghost", [ANA]) is None


def test_a_gap_is_a_target_with_its_reason() -> None:
    nobody = targets_of(alert(owner_id="ghost"), definitions(people=[ANA]), ALL_ON)
    assert [(target.recipient, target.refusal) for target in nobody] == [
        (NOBODY, "no_recipient"),
        (NOBODY, "no_recipient"),
        ("crm", ""),
    ]
    mute = Person(id="ana", name="Ana", email="")
    assert targets_of(alert(), definitions(people=[mute]), ALL_ON)[1].refusal == "no_address"
    assert targets_of(alert(), definitions(), frozenset({"webhook"}))[1].refusal == "channel_off"
    assert targets_of(alert(), definitions(webhooks=[]), ALL_ON)[2] == Target("webhook", "crm", refusal="no_recipient")
    unnamed = Route(id="unnamed", channels=["webhook"])
    assert targets_of(alert(), definitions(routes=[unnamed]), ALL_ON)[0].recipient == NOBODY


def test_every_route_of_the_fixture_names_all_channels() -> None:
    assert set(EVERYWHERE.channels) == set(CHANNELS)
