"""What a provisioner works with, and how it chooses and installs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.present import Upgrade
from pytest_wheeltag.core.requirements import Demand, Request
from pytest_wheeltag.core.resolution import Catalogue, SearchLimits
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.system.artefacts import PublishedMetadata
from pytest_wheeltag.system.compiler import Bytecode
from pytest_wheeltag.system.environment import EnvironmentMaker
from pytest_wheeltag.system.installation import InstallOptions
from pytest_wheeltag.system.linker import LinkOptions
from pytest_wheeltag.system.wheels import StoredWheels
from pytest_wheeltag.system.workbench import Workbench

_LIMITS = SearchLimits(clock=time.monotonic)


@dataclass(frozen=True)
class Supplies:
    """What a provisioner works with: who knows what is published, what it needs, who has the wheels, what builds them."""

    catalogue: Catalogue
    metadata: PublishedMetadata
    wheels: StoredWheels
    workbench: Workbench
    maker: EnvironmentMaker


@dataclass(frozen=True)
class ProvisionOptions:
    """How choosing and installing is done; ``exclude_newer`` is in UTC, None for no limit; ``constraints`` bind every request.

    ``build_constraints`` bind what builds require, and nothing else. Without ``with_dependencies`` only what is
    asked for by name is chosen and installed.
    """

    exclude_newer: datetime | None = None
    constraints: tuple[Demand, ...] = ()
    build_constraints: tuple[Demand, ...] = ()
    controls: Controls = field(default_factory=Controls)
    with_dependencies: bool = True
    upgrade: Upgrade = Upgrade.KEEP
    limits: SearchLimits = _LIMITS
    links: LinkOptions = field(default_factory=LinkOptions)
    bytecode: Bytecode = Bytecode.NONE
    hash_rule: HashRule = HashRule.IF_GIVEN
    policy: WheelPolicy = field(default_factory=WheelPolicy)

    def for_builds(self) -> "ProvisionOptions":
        """Give the options by which the environments of builds are furnished."""
        return replace(
            self,
            constraints=self.build_constraints,
            with_dependencies=True,
            upgrade=Upgrade.KEEP,
            bytecode=Bytecode.NONE,
            hash_rule=HashRule.IF_GIVEN,
        )

    def apply_to(self, request: Request) -> Request:
        """Give a request as it is bound by what binds every one."""
        return replace(
            request,
            constraints=(*request.constraints, *self.constraints),
            hash_rule=request.hash_rule.then(self.hash_rule),
        )

    def screen_for(self, interpreter: Interpreter) -> Screen:
        """Give what files must pass to be taken for an interpreter."""
        return Screen(interpreter, self.exclude_newer, self.controls)

    def installing_in(self, environ: Mapping[str, str]) -> InstallOptions:
        """Give how a delivery is put in place, by processes that see ``environ``."""
        return InstallOptions(self.links, self.bytecode, environ)
