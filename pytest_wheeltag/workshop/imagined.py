"""Interpreters and catalogues that exist on no machine, for tests that need their facts only."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import ProjectFiles, PublishedFile, split_version
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.tags import InterpreterFacts, PlatformFacts
from pytest_wheeltag.errors import CatalogueError

LINUX = PlatformFacts("Linux", "linux-x86_64", "x86_64", libc="glibc", libc_version=(2, 36))
"""An ordinary Linux of 2023."""


def imagine_interpreter(version: str = "3.11.7", platform: PlatformFacts = LINUX) -> Interpreter:
    """Give an ordinary CPython of this version on this platform, which is on no disk."""
    major, minor = (int(part) for part in version.split(".")[:2])
    facts = InterpreterFacts("cpython", (major, minor), f"{major}{minor}")
    markers = {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": platform.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "6.1.0",
        "platform_system": platform.system,
        "platform_version": "#1",
        "python_full_version": version,
        "python_version": f"{major}.{minor}",
        "sys_platform": platform.system.lower(),
    }
    return Interpreter(
        executable=f"/imagined/python{major}.{minor}",
        version=version,
        facts=facts,
        platform=platform,
        markers=markers,
        prefix="/imagined",
    )


@dataclass
class ImaginedCatalogue:
    """A catalogue of file names that are published nowhere; asked for a name in ``failures`` it raises that.

    ``asked`` lists the names for which ``release`` was called.
    """

    filenames: Iterable[str] = ()
    failures: dict[str, CatalogueError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def release(self, name: NormalizedName, version: Version) -> ProjectFiles:
        """Give the files of one release."""
        self.asked.append(name)
        if name in self.failures:
            raise self.failures[name]
        ours = (each for each in self.filenames if _is_of(each, name, version))
        return ProjectFiles(name, tuple(imagine_file(each) for each in ours))

    def files(self, name: NormalizedName) -> ProjectFiles:
        """Give the files of a project."""
        if name in self.failures:
            raise self.failures[name]
        ours = (each for each in self.filenames if split_version(each, name) is not None)
        files = tuple(imagine_file(each) for each in ours)
        return ProjectFiles(name, files, sources=("https://index.example/simple/",) if files else ())

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Everything is here already."""


def imagine_file(filename: str, **facts: object) -> PublishedFile:
    """Give a file as an index would list it."""
    return PublishedFile(filename, f"https://files.example/{filename}", **facts)  # type: ignore[arg-type]  # passed on as given


def _is_of(filename: str, name: NormalizedName, version: Version) -> bool:
    text = split_version(filename, canonicalize_name(name))
    return text is not None and Version(text) == version
