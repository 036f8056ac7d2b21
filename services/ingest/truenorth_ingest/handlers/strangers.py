"""Who has not shown a good key: how often an address may fail to, before it has to wait.

A key that is known and right is never held up by what others do from the same address; everybody else is asked
`Strangers.admit` before their body is read or the key table is asked, and `Strangers.failed` counts what went wrong.
"""

from ipaddress import AddressValueError, IPv6Address
from typing import Final

from truenorth_ingest.domain.ceilings import Buckets, OverRateError

ADDRESSES_MAX: Final = 50_000
_ADDRESS_CHARS_MAX: Final = 64


class Strangers:
    """One token bucket per peer address. Each replica counts for itself; of IPv6 the /64 network counts."""

    def __init__(self, *, failures_per_minute: int) -> None:
        self._per_minute = failures_per_minute
        self._buckets = Buckets(
            per_second=failures_per_minute / 60, burst=failures_per_minute, buckets_max=ADDRESSES_MAX
        )

    def admit(self, address: str, now_s: float) -> None:
        """Let a request of this address in as far as its key; an empty address is a peer that has none.

        Raises:
            OverRateError: ``too_many_failures``; nothing was read.
        """
        name = network_of(address)
        if not self._buckets.is_open(name, now_s):
            raise OverRateError(
                "too_many_failures",
                f"more than {self._per_minute} requests a minute came from this address without a key that works;"
                " correct the key, then send it again",
                retry_after_seconds=self._buckets.seconds_until_open(name, now_s),
            )

    def failed(self, address: str, now_s: float) -> None:
        """Count a request that showed no good key, or whose body did not come."""
        if address:
            self._buckets.charge(network_of(address), 1, now_s)


def network_of(address: str) -> str:
    """Return what is counted as one peer: an IPv4 address, the /64 network of an IPv6 address, or the text itself.

    >>> network_of("2001:db8:1:2:3:4:5:6")
    '2001:db8:1:2::'
    >>> network_of("::ffff:192.0.2.1")
    '192.0.2.1'
    """
    if ":" not in address:
        return address[:_ADDRESS_CHARS_MAX]
    try:
        whole = IPv6Address(address.partition("%")[0])
    except AddressValueError:
        return address[:_ADDRESS_CHARS_MAX]
    if whole.ipv4_mapped is not None:
        return str(whole.ipv4_mapped)
    return str(IPv6Address(int(whole) >> 64 << 64))
