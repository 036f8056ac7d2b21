"""The settings of playbooks, and what its command line says about them."""

import pytest
from truenorth.errors import RefusedError
from truenorth_playbooks.settings import Settings


def test_only_the_database_must_be_set() -> None:
    settings = Settings.from_env({"DATABASE_URL": "postgresql://truenorth@127.0.0.1:15432/truenorth"})
    assert (settings.bootstrap, settings.telemetry_port) == ("127.0.0.1:19092", 8493)
    with pytest.raises(RefusedError, match="DATABASE_URL is not set"):
        Settings.from_env({})
