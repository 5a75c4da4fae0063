from datetime import UTC, datetime

import pytest

from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.present import Upgrade
from pytest_wheeltag.core.requirements import parse_demand, parse_request
from pytest_wheeltag.supplies import ProvisionOptions
from pytest_wheeltag.system.compiler import Bytecode
from pytest_wheeltag.workshop.imagined import imagine_interpreter

BOUND, BUILD_BOUND = parse_demand("bar<2"), parse_demand("setuptools<80")


@pytest.mark.parametrize("hash_rule", [HashRule.IF_GIVEN, HashRule.REQUIRED])
def test_every_request_is_bound_by_what_binds_every_one(hash_rule: HashRule) -> None:
    request = parse_request(["foo"], ["foo<3"])
    options = ProvisionOptions(constraints=(BOUND,), hash_rule=hash_rule)
    bound = options.apply_to(request)
    assert bound.requirements == request.requirements
    assert bound.constraints == (*request.constraints, BOUND)
    assert bound.hash_rule is hash_rule
    assert ProvisionOptions().apply_to(request) == request


def test_builds_are_bound_by_build_constraints_alone() -> None:
    before = datetime(2024, 1, 1, tzinfo=UTC)
    options = ProvisionOptions(
        exclude_newer=before,
        constraints=(BOUND,),
        build_constraints=(BUILD_BOUND,),
        with_dependencies=False,
        upgrade=Upgrade.REINSTALL,
        bytecode=Bytecode.ALL,
        hash_rule=HashRule.REQUIRED,
    ).for_builds()
    assert options == ProvisionOptions(
        exclude_newer=before, constraints=(BUILD_BOUND,), build_constraints=(BUILD_BOUND,)
    )
    assert options.screen_for(imagine_interpreter()).exclude_newer == before


def test_bytecode_is_made_by_processes_that_see_the_variables() -> None:
    installing = ProvisionOptions(bytecode=Bytecode.ALL).installing_in({"LANG": "C"})
    assert (installing.bytecode, installing.environ) == (Bytecode.ALL, {"LANG": "C"})
