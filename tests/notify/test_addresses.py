"""Which addresses a webhook may go to."""

import pytest
from truenorth_notify.adapters.webhook import is_public


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_the_public_internet_is_reached(address: str) -> None:
    assert is_public(address)


INSIDE = (
    "127.0.0.1 10.1.2.3 192.168.0.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 ::1 fe80::1%eth0 fd00::1 fec0::1"
    " ::ffff:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1::1 2002:a01:203::"
)


@pytest.mark.parametrize("address", INSIDE.split())
def test_nothing_else_is_under_whatever_spelling(address: str) -> None:
    assert not is_public(address)
