"""What definitions say about intake, as it is in force now; with none applied, what ships and the defaults hold."""

from collections.abc import Mapping, Sequence

from truenorth.definitions.intake import Connector, TrackRule, Trait
from truenorth.definitions.model import Bundle


class Defined:
    """The sections of intake, replaced as a whole when another bundle comes into force.

    ``hash`` names the bundle (empty before the first): whoever compiles a section keeps the result as long as the hash
    is the same. ``connectors`` are by id, the shipped ones under those of the bundle.
    """

    def __init__(self, shipped: Sequence[Connector] = ()) -> None:
        self._shipped = {connector.id: connector for connector in shipped}
        self.hash = ""
        self.tracking: Sequence[TrackRule] = ()
        self.traits: Sequence[Trait] = ()
        self.connectors: Mapping[str, Connector] = dict(self._shipped)

    def take(self, bundle: Bundle) -> None:
        """Put a bundle in force; the one that already is changes nothing."""
        if bundle.hash == self.hash:
            return
        said = bundle.definitions
        self.tracking = tuple(said.tracking)
        self.traits = tuple(said.traits)
        self.connectors = self._shipped | {connector.id: connector for connector in said.connectors}
        self.hash = bundle.hash
