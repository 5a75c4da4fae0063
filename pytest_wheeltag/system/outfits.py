"""What builds require, resolved and in the store, and the environments that are made of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_wheeltag.core.changes import plan_change
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.system.delivery import Delivery
from pytest_wheeltag.system.environment import Environment, EnvironmentMaker, Site, remove_environment
from pytest_wheeltag.system.installation import InstallOptions, carry_out
from pytest_wheeltag.system.workbench import Workbench


@dataclass(frozen=True)
class DeliveredOutfit:
    """An ``Outfit`` whose wheels are in the store; environments lie beside it, so that links are possible."""

    interpreter: Interpreter
    delivery: Delivery
    maker: EnvironmentMaker
    workbench: Workbench
    options: InstallOptions

    @property
    def requirements(self) -> tuple[str, ...]:
        """A line for each distribution, with the SHA-256 of its wheel."""
        entries = self.delivery.entries
        return tuple(
            f"{each.name}=={each.version} {entries[each.name].digest}" for each in self.delivery.choices
        )

    @contextmanager
    def open(self) -> Iterator[Environment]:
        """Make an environment that holds it, and remove it in the end."""
        environment = self.maker.make(self.workbench.reserve_folder(), self.interpreter)
        try:
            carry_out(
                plan_change(self.delivery.resolution, ()), Site(environment), self.delivery, self.options
            )
            yield environment
        finally:
            remove_environment(environment.prefix)
