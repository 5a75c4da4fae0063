"""What the user asked for, read once from options, environment variables and ini values."""

import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.askedfor import AskedFor, join_asked
from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.foreign import Target
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.interpreter import InterpreterSpec, parse_interpreter_spec
from pytest_wheeltag.core.ledger import Ledger
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand, parse_config_setting
from pytest_wheeltag.core.resolution import SearchLimits
from pytest_wheeltag.core.usualtargets import parse_targets
from pytest_wheeltag.core.verdict import Outcome, Policy, Property, parse_acceptance
from pytest_wheeltag.core.wheel import WheelBounds, WheelPolicy
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.matrix import Orders
from pytest_wheeltag.plugin.settingsreader import Found, SettingsReader
from pytest_wheeltag.subjects.roster import InstallerSpec, parse_installer_spec
from pytest_wheeltag.supplies import ProvisionOptions
from pytest_wheeltag.system.cache import locate_cache
from pytest_wheeltag.system.compiler import Bytecode
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.system.linker import LinkOptions
from pytest_wheeltag.system.links import LinkMode
from pytest_wheeltag.system.pages import PagePolicy
from pytest_wheeltag.system.requestfiles import RequestReader
from pytest_wheeltag.system.sources import SourceOptions, parse_moment


@dataclass(frozen=True)
class Settings:
    """Everything that options, environment variables and ini values say.

    ``environments`` are absolute paths; without them, ``stops`` and ``targets`` the environment that runs pytest is meant.
    ``pythons`` are the interpreters that were named.
    ``ledger`` is the lock to judge by, None for the indexes; ``json_file`` is None where no report is wanted.
    """

    is_exclusive: bool
    environments: tuple[Path, ...]
    is_inherited: bool
    pythons: tuple[InterpreterSpec, ...]
    targets: tuple[Target, ...]
    request: Request
    installer: InstallerSpec
    scenario_files: tuple[Path, ...]
    is_conformance: bool
    properties: tuple[Property, ...]
    orders: Orders
    missing_outcome: Outcome
    sources: SourceOptions
    options: ProvisionOptions
    build_variables: tuple[str, ...]
    policy: Policy
    ledger: Ledger | None
    json_file: Path | None

    @property
    def stops(self) -> tuple[InterpreterSpec, ...]:
        """The interpreters of throwaway environments: those named, without them and targets the one that runs this."""
        if self.request.is_empty:
            return ()
        running = () if self.targets else (parse_interpreter_spec(sys.executable),)
        return self.pythons or running


def read_settings(config: pytest.Config) -> Settings:
    """Read all settings: an option wins over an environment variable, that over an ini value.

    Raises ``UsageError`` that names the option or ini value, what was found, and what is allowed.
    """
    reader = SettingsReader(config)
    asked = _read_asked(reader)
    request, options = asked.request, read_options(reader)
    return Settings(
        is_exclusive=reader.flag("only"),
        environments=reader.paths("env"),
        is_inherited=reader.flag("inherited"),
        pythons=_read_pythons(reader, request),
        targets=_read_targets(reader, request),
        request=request,
        installer=_read_installer(reader),
        scenario_files=_read_scenario_files(reader),
        is_conformance=reader.flag("conformance"),
        properties=_read_properties(reader, request),
        orders=Orders(reader.text("orders") or Orders.GIVEN),
        missing_outcome=_read_missing_outcome(reader),
        sources=replace(read_sources(reader), beside=asked.options),
        options=replace(options, controls=asked.options.apply_to(options.controls)),
        build_variables=reader.texts("build_env"),
        policy=_read_policy(reader),
        ledger=_read_ledger(reader),
        json_file=_read_json_file(reader),
    )


def read_sources(reader: SettingsReader) -> SourceOptions:
    """Read where files come from, and where the cache is."""
    moment = reader.find("exclude-newer")
    return SourceOptions(
        cache=locate_cache(reader.path("cache-dir", variable="WHEELTAG_CACHE_DIR"), os.environ),
        index_url=reader.text("index-url"),
        extra_index_urls=reader.texts("extra-index-url"),
        find_links=reader.locations("find-links"),
        no_index=reader.flag("no-index"),
        strategy=Strategy(chosen) if (chosen := reader.text("index-strategy")) else None,
        is_offline=reader.flag("offline"),
        exclude_newer=parse_moment(moment.value, setting=moment.origin) if moment.value else None,
        page_policy=PagePolicy(reader.flag("allow_md5"), reader.flag("strict-wheels")),
        reads_uv=reader.flag("uv-settings"),
    )


def read_options(reader: SettingsReader) -> ProvisionOptions:
    """Read how wheels are chosen, checked and linked."""
    limits = SearchLimits(clock=time.monotonic)
    bounds = WheelBounds()
    is_strict = reader.flag("strict-wheels")
    mode = LinkMode(reader.text("link-mode", variable="WHEELTAG_LINK_MODE") or LinkMode.AUTO)
    limits = replace(
        limits,
        max_rounds=reader.number("max_rounds") or limits.max_rounds,
        seconds=reader.number("deadline_seconds") or limits.seconds,
    )
    bounds = replace(bounds, max_unpacked_bytes=reader.number("max_unpacked") or bounds.max_unpacked_bytes)
    policy = WheelPolicy(strict=is_strict, refuse_pth=reader.flag("refuse_pth"), bounds=bounds)
    return ProvisionOptions(
        build_constraints=_read_build_constraints(reader),
        controls=_read_controls(reader),
        limits=limits,
        links=LinkOptions(mode, is_strict),
        bytecode=Bytecode(reader.text("bytecode") or Bytecode.NONE),
        policy=policy,
    )


def _read_controls(reader: SettingsReader) -> Controls:
    return Controls(
        NameControl.of(reader.texts("only-binary"), reader.texts("no-binary")),
        NameControl.of(reader.texts("prefer-binary")),
        NameControl.of(reader.texts("pre")),
    )


def _read_build_constraints(reader: SettingsReader) -> tuple[Demand, ...]:
    origin = reader.find("build-constraint").origin
    paths = reader.paths("build-constraint")
    return join_asked(reader.requests.constraints(str(each), origin) for each in paths).request.constraints


def _read_pythons(reader: SettingsReader, request: Request) -> tuple[InterpreterSpec, ...]:
    found = reader.find("python")
    specs = tuple(parse_interpreter_spec(text, setting=found.origin) for text in found.value or ())
    files = [reader.find(name) for name in ("requirements", "constraint")]
    unused = next((each for each in files if each.value), None)
    if unused and not specs and request.is_empty:
        raise UsageError(unused.origin, str(unused.value[0]), "a requirement, found none in any file")
    if specs and request.is_empty and not reader.flag("conformance"):
        raise UsageError(found.origin, specs[0].text, "something to install in it, see `--wheeltag-require`")
    return specs


def _read_targets(reader: SettingsReader, request: Request) -> tuple[Target, ...]:
    found = reader.find("target")
    targets = parse_targets(found.value or (), setting=found.origin)
    if targets and request.is_empty and not reader.find("lock").value:
        expected = "something that it would take, see `--wheeltag-require` and `--wheeltag-lock`"
        raise UsageError(found.origin, str(found.value[0]), expected)
    asked = reader.find("property")
    if targets and asked.value and "best" not in asked.value:
        raise UsageError(asked.origin, asked.value[0], "`best`, which alone can be asked of targets")
    return targets


def _read_asked(reader: SettingsReader) -> AskedFor:
    """Read everything that shall be installed, with what requirements files say of indexes."""
    requests, named = reader.requests, reader.find("require")
    given = reader.find("config-settings")
    settings = tuple(parse_config_setting(text, given.origin) for text in given.value or ())
    demands = (_read_demand(text, named, requests) for text in named.value or ())
    told = Request(tuple(replace(each, config_settings=settings) for each in demands))
    found, bounds = reader.find("requirements"), reader.find("constraint")
    asked = join_asked(
        (
            AskedFor(told),
            *(requests.file(str(found.absolute(text)), found.origin) for text in found.value or ()),
            *(requests.constraints(str(bounds.absolute(text)), bounds.origin) for text in bounds.value or ()),
        )
    )
    rule = asked.request.hash_rule.then(HashRule.where(is_required=reader.flag("require-hashes")))
    return replace(asked, request=replace(asked.request, hash_rule=rule))


def _read_demand(text: str, found: Found, requests: RequestReader) -> Demand | UnnamedDemand:
    editable = text.strip().removeprefix("-e ") if text.strip().startswith("-e ") else None
    if editable is not None:
        return requests.editable(editable, found.origin, found.folder)
    return requests.requirement(text, found.origin, found.folder)


def _read_ledger(reader: SettingsReader) -> Ledger | None:
    """Read the lock to judge by; a path in an ini file starts from that file."""
    found = reader.find("lock")
    if found.value is None:
        return None
    if not found.value:
        raise UsageError(found.origin, "", "the path of a lock")
    return reader.requests.ledger(str(found.absolute(found.value)), found.origin)


def _read_json_file(reader: SettingsReader) -> Path | None:
    """Read where the report goes; a place where no file can be is a mistake that is told before all the work."""
    found = reader.find("json")
    if found.value is None:
        return None
    path = found.absolute(found.value)
    nearest = next(each for each in path.parents if each.exists())
    if not found.value or path.is_dir() or not nearest.is_dir():
        raise UsageError(found.origin, found.value, "a file that can be written")
    return path


def _read_scenario_files(reader: SettingsReader) -> tuple[Path, ...]:
    found = reader.find("scenario-file")
    if found.value and not reader.flag("conformance"):
        raise UsageError(found.origin, found.value[0], "`--wheeltag-conformance` beside it")
    return reader.paths("scenario-file")


def _read_installer(reader: SettingsReader) -> InstallerSpec:
    found = reader.find("installer")
    return parse_installer_spec(found.value or "wheeltag", setting=found.origin)


def _read_properties(reader: SettingsReader, request: Request) -> tuple[Property, ...]:
    found = reader.find("property")
    is_installing = not request.is_empty and not reader.paths("env")
    of_environments = [each.value for each in Property if not each.is_of_installer]
    for text in found.value or ():
        if text not in list(Property):
            raise UsageError(found.origin, text, " or ".join(f"`{each}`" for each in Property))
        if text not in of_environments and not is_installing:
            allowed = " or ".join(f"`{each}`" for each in of_environments)
            expected = f"{allowed} of environments that are there already; for the others add `--wheeltag-require` and leave out `--wheeltag-env`"
            raise UsageError(found.origin, text, expected)
    return tuple(dict.fromkeys(Property(text) for text in found.value or ("best",)))


def _read_missing_outcome(reader: SettingsReader) -> Outcome:
    pythons = reader.find("python")
    is_named = pythons.origin.startswith("--") and "all" not in (pythons.value or ())
    chosen = reader.text("missing-python") or ("fail" if is_named else "skip")
    return Outcome.FAILED if chosen == "fail" else Outcome.SKIPPED


def _read_policy(reader: SettingsReader) -> Policy:
    found = reader.find("accept")
    acceptances = (parse_acceptance(text, setting=found.origin) for text in found.value or ())
    return Policy(tuple(acceptances), reader.flag("strict"))
