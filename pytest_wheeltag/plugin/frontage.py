"""Where installers of others are pointed at: the run's snapshot of the indexes, served on loopback."""

from functools import cached_property

import pytest

from pytest_wheeltag.subjects.roster import InstallerSpec
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop.snapshot import SnapshotIndex


class Frontage:
    """The place that an installer under test installs from; the server of this process starts when it is asked for.

    Ours reads the snapshot itself. Offline others hear of this machine's folders alone.
    """

    def __init__(self, place: Workplace, config: pytest.Config) -> None:
        self.place = place
        self._config = config

    def place_for(self, spec: InstallerSpec) -> Workplace:
        """Give the place for an installer."""
        return self.place if spec.name == "wheeltag" else self.served

    @cached_property
    def served(self) -> Workplace:
        """The same place, with its indexes on loopback until the session ends."""
        opened = self.place.opened
        if opened.access.is_offline or all(url.is_loopback for url in opened.locations.index_urls):
            return self.place
        server = SnapshotIndex(opened).start()
        self._config.add_cleanup(server.close)
        return self.place.served_at(server.urls)
