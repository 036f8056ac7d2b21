"""Which connectors are on: defined (or shipped), with a secret, and readable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from truenorth.definitions.intake import Connector, Signature
from truenorth.errors import RefusedError

from truenorth_ingest.domain.told import Reader
from truenorth_ingest.domain.webhooks.taking import ConnectorReader
from truenorth_ingest.domain.webhooks.verifying import checked_secrets
from truenorth_ingest.handlers.defined import Defined

SECRET_PREFIX: Final = "TRUENORTH_CONNECTOR_SECRET_"  # noqa: S105 - how the names of settings begin
PUBLIC_URL: Final = "TRUENORTH_INGEST_PUBLIC_URL"


@dataclass(frozen=True, slots=True)
class OpenConnector:
    """A connector that is on: what it is, the secrets it may use, and what reads its webhooks."""

    connector: Connector
    secrets: Sequence[str]
    reader: ConnectorReader


def setting_of(connector_id: str) -> str:
    """Return the setting that has a connector's secret."""
    return f"{SECRET_PREFIX}{connector_id.upper().replace('-', '_')}"


class Connectors:
    """The connectors of the definitions in force; each is compiled when it is first asked for.

    Args:
        defined: what is in force.
        secrets: by the name of the setting (`setting_of`).
        built_in: the readers that connectors may name.
        public_url: what vendors see in front of this edge, without a slash at its end; empty when it was not set.
    """

    def __init__(
        self,
        defined: Defined,
        secrets: Mapping[str, Sequence[str]],
        built_in: Mapping[str, Reader],
        *,
        public_url: str = "",
    ) -> None:
        self._defined = defined
        self._secrets = secrets
        self._built_in = built_in
        self.public_url = public_url
        self._made: dict[str, OpenConnector | RefusedError] = {}
        self._made_of = ""

    def of(self, connector_id: str) -> OpenConnector:
        """Return a connector that is on.

        Raises:
            RefusedError: ``connector_unknown`` when there is none or it has no secret, ``connector_broken`` when
                its definition or its secret cannot be used; the vendor repeats the webhook until that is corrected.
        """
        if self._made_of != self._defined.hash:
            self._made, self._made_of = {}, self._defined.hash
        made = self._made.get(connector_id)
        if made is None:
            connector = self._defined.connectors.get(connector_id)
            if connector is None:
                raise RefusedError("connector_unknown", "no connector has this name; see 'truenorth connector list'")
            made = self._made[connector_id] = self._opened(connector)
        if isinstance(made, RefusedError):
            raise RefusedError(made.code, made.message, field=made.field)
        return made

    def on(self) -> list[Connector]:
        """Return the connectors that have a secret, by id."""
        known = self._defined.connectors
        return [known[connector_id] for connector_id in sorted(known) if setting_of(connector_id) in self._secrets]

    def _opened(self, connector: Connector) -> OpenConnector | RefusedError:
        secrets = self._secrets.get(setting_of(connector.id), ())
        if not secrets:
            return RefusedError(
                "connector_unknown", f"this connector is off: set {setting_of(connector.id)} to its secret"
            )
        try:
            if connector.auth == "signature":
                self._check_signature(connector.signature, secrets)
            return OpenConnector(connector, secrets, ConnectorReader(connector, self._built_in))
        except RefusedError as error:
            where = f"{error.field}: " if error.field else ""
            return RefusedError("connector_broken", f"connector {connector.id}: {where}{error.message}")

    def _check_signature(self, signature: Signature | None, secrets: Sequence[str]) -> None:
        if signature is None:
            raise RefusedError("connector_broken", "its definition does not say how it signs: add signature")
        if "{url}" in signature.signed and not self.public_url:
            raise RefusedError("connector_broken", f"it signs the URL: set {PUBLIC_URL} to what it sends to")
        checked_secrets(signature, secrets)
