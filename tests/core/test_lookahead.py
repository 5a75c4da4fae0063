from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.errors import OfflineError, RefusedWheelError
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.imagined_releases import ImaginedWorld


def resolve_all(world: ImaginedWorld, *requirements: str) -> list[str]:
    resolution = resolve(parse_request(requirements), Screen(imagine_interpreter()), world.sources)
    return [f"{choice.name} {choice.version}" for choice in resolution.choices]


def test_everything_is_announced_in_waves_before_it_is_asked_for() -> None:
    world = ImaginedWorld({"a 1": ["b", "c"], "b 1": ["d"], "c 1": ["e"], "d 1": [], "e 1": []})

    resolve_all(world, "a")

    assert [set(wave) for wave in world.waves if wave] == [
        {"a"},
        {"a 1"},
        {"b", "c"},
        {"b 1", "c 1"},
        {"d", "e"},
        {"d 1", "e 1"},
    ]


def test_what_many_need_is_announced_once() -> None:
    world = ImaginedWorld({"a 1": ["c>=1"], "b 1": ["c<3"], "c 1": [], "c 2": []})

    resolve_all(world, "a", "b")

    announced = [each for wave in world.waves for each in wave]
    assert sorted(announced) == ["a", "a 1", "b", "b 1", "c", "c 2"]


def test_whoever_must_go_back_far_fetches_more_and_more_at_once() -> None:
    world = ImaginedWorld(
        {**{f"a {number}": [f"b>={number}"] for number in range(1, 40)}, "b 1": [], "other 1": ["b"]}
    )

    assert resolve_all(world, "a", "b<2", "other") == ["a 1", "b 1", "other 1"]

    assert [len(wave) for wave in world.waves if wave and wave[0].startswith("a ") and "b 1" not in wave] == [
        2,
        4,
        8,
        16,
        8,
    ]


def test_a_failure_ahead_matters_only_where_the_search_gets_to_it() -> None:
    failures = {
        "gone": OfflineError(
            "https://index.example/simple/gone/", "expected a page in the cache, found none"
        ),
        "bad 2": RefusedWheelError("bad-2-py3-none-any.whl", "", "expected another hash"),
    }
    world = ImaginedWorld(
        {
            "a 1": [],
            "a 2": ["gone", "pin", "bad"],
            "b 1": ["a<2", "bad<2"],
            "pin 1": [],
            "bad 1": [],
            "bad 2": [],
        },
        failures=failures,
    )

    assert resolve_all(world, "b", "a") == ["a 1", "b 1", "bad 1"]
    assert "gone" in world.asked
