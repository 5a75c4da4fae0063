"""Everything that this package raises on purpose."""

from typing import Self

from pytest_wheeltag.core.invocation import BuildOutput, Invocation


class WheeltagError(Exception):
    """The root of all errors raised on purpose; its text is one line that says what to do."""


class UsageError(WheeltagError):
    """A mistake in an option, a setting or an argument.

    ``setting`` names where the value came from, ``value`` is what was found, ``expected`` what is allowed.
    """

    def __init__(self, setting: str, value: str, expected: str) -> None:
        super().__init__(setting, value, expected)
        self.setting = setting
        self.value = value
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.setting}: expected {self.expected}, found: `{self.value}`"


class LockError(UsageError):
    """A lock cannot be used as the source of what is published.

    ``setting`` names the file, ``problem`` is one clause on what was expected and found, fit to be printed.
    """

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(setting, problem, "a lock that can be read")
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.setting} cannot be used, {self.problem}"


class InterpreterError(WheeltagError):
    """An interpreter could not be asked what it is; ``executable`` is its path, ``problem`` why."""

    def __init__(self, executable: str, problem: str) -> None:
        super().__init__(executable, problem)
        self.executable = executable
        self.problem = problem

    def __str__(self) -> str:
        return f"this python cannot be used, {self.problem}: `{self.executable}`"


class InterpreterNotFoundError(WheeltagError):
    """No interpreter on this machine answers to a specification.

    ``spec`` is what was asked for, ``found`` the labels of what there is.
    """

    def __init__(self, spec: str, found: tuple[str, ...] = ()) -> None:
        super().__init__(spec, found)
        self.spec = spec
        self.found = found

    def __str__(self) -> str:
        found = ", ".join(self.found) or "none"
        return f"no such interpreter on this machine (found: {found}): `{self.spec}`"


class PathError(WheeltagError):
    """Something that lies at a path cannot be used, or cannot be used as it is; children say what in ``opening``.

    ``path`` is the place, ``problem`` one clause on what was expected and found, ``remedy`` what to do.
    """

    opening = "this cannot be used"

    def __init__(self, path: str, problem: str, remedy: str = "") -> None:
        super().__init__(path, problem, remedy)
        self.path = path
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.opening}, {self.problem}{remedy}: `{self.path}`"


class EnvironmentNotFoundError(PathError):
    """A path is neither a virtual environment nor a python executable."""

    opening = "expected a virtual environment's folder or a python executable"


class UnsafeFileError(PathError):
    """A file is not read, since it is a link, no regular file, or larger than allowed."""

    opening = "this file is not read"


class CatalogueError(WheeltagError):
    """An index or find-links location could not be asked, or its answer cannot be used.

    ``url`` holds no credentials, ``problem`` says what was expected and found, ``remedy`` what to do.
    """

    def __init__(self, url: str, problem: str, remedy: str = "") -> None:
        super().__init__(url, problem, remedy)
        self.url = url
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.problem}{remedy}: `{self.url}`"


class UnreachableError(CatalogueError):
    """An index did not answer, or answered that it will not tell (401, 403, 429, 5xx).

    ``status`` is that of its answer, None where there was none.
    """

    def __init__(self, url: str, problem: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(url, problem, remedy)
        self.status = status


class InterruptedAnswerError(UnreachableError):
    """An answer broke off: it may help to ask again."""


class PageError(CatalogueError):
    """An index answered with something that is no simple repository page."""


class OfflineError(CatalogueError):
    """Offline was asked for, and the answer is not in the cache."""


class WheelError(WheeltagError):
    """A wheel or a source archive is refused; nothing of it was written.

    ``filename`` is its name, ``where`` the entry or part, ``problem`` what is wrong, ``remedy`` what to do.
    """

    def __init__(self, filename: str, where: str, problem: str, remedy: str = "") -> None:
        super().__init__(filename, where, problem, remedy)
        self.filename = filename
        self.where = where
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        where = f" in {self.where}" if self.where else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.filename} is refused, {self.problem}{where}{remedy}"


class RefusedWheelError(WheelError):
    """A file is not what its index or its user says, or its content is not what is allowed."""


class ResolutionError(WheeltagError):
    """What was asked for cannot be had together, or not at all, from what is published.

    ``interpreter`` is the label of the one resolved for, ``problem`` one clause that names who asked for what;
    ``details`` are further lines, one for each fact that led there.
    """

    def __init__(self, interpreter: str, problem: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(interpreter, problem, details)
        self.interpreter = interpreter
        self.problem = problem
        self.details = details

    def __str__(self) -> str:
        return f"cannot be resolved for {self.interpreter}, {self.problem}"


class SearchLimitError(ResolutionError):
    """The search for a resolution was given up at one of its bounds: there may be one, or none."""


class MetadataError(WheelError):
    """What a wheel, a source or an installed distribution declares cannot be used; a resolution goes on without it."""


class NoWheelError(WheeltagError):
    """No published wheel of a release fits an interpreter.

    ``requirement`` is what was asked for, ``interpreter`` its label, ``nearest`` one clause on what came closest.
    """

    def __init__(self, requirement: str, interpreter: str, nearest: str) -> None:
        super().__init__(requirement, interpreter, nearest)
        self.requirement = requirement
        self.interpreter = interpreter
        self.nearest = nearest

    def __str__(self) -> str:
        return f"{self.requirement} has no compatible wheel for {self.interpreter}: {self.nearest}"


class InstallationError(WheeltagError):
    """A distribution could not be put into an environment or taken out of it; it does not count as installed.

    ``distribution`` is its name and version, ``problem`` one clause, ``path`` the place in question.
    """

    def __init__(self, distribution: str, problem: str, path: str) -> None:
        super().__init__(distribution, problem, path)
        self.distribution = distribution
        self.problem = problem
        self.path = path

    def __str__(self) -> str:
        return f"{self.distribution} is not installed, {self.problem}: `{self.path}`"


class RemovalError(InstallationError):
    """A distribution could not be taken out of an environment; one that was there still counts as installed."""

    def __str__(self) -> str:
        return f"{self.distribution} is not taken out, {self.problem}: `{self.path}`"


class EnvironmentStateError(PathError):
    """An environment cannot be changed as it is now, whatever was asked for; ``path`` is the place in question."""

    opening = "the environment is left as it is"


class EnvironmentBusyError(EnvironmentStateError):
    """Another process is at work in an environment; ``path`` is its folder."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "another process is at work there", "try again when it is done")


class EnvironmentRefusedError(PathError):
    """We neither install into an environment nor uninstall from it, since it belongs to others.

    ``path`` is its folder or executable.
    """

    opening = "this environment is left as it is"


class StoreError(PathError):
    """The store of unpacked wheels cannot be used; ``path`` is the place in question."""

    opening = "the store of wheels cannot be used"

    def __init__(self, path: str, problem: str, remedy: str = "choose another cache folder") -> None:
        super().__init__(path, problem, remedy)


class UninstallableError(WheeltagError):
    """An installer under test could not install what was asked for.

    ``requested`` is what, ``interpreter`` the label of where, ``installer`` who; ``problem`` is its own last word,
    ``invocations`` are the commands until then.
    """

    def __init__(self, requested: str, interpreter: str, installer: str, problem: str) -> None:
        super().__init__(requested, interpreter, installer, problem)
        self.requested = requested
        self.interpreter = interpreter
        self.installer = installer
        self.problem = problem
        self.invocations: tuple[Invocation, ...] = ()

    def after(self, invocations: tuple[Invocation, ...]) -> Self:
        """Give it with the commands that led there."""
        self.invocations = invocations
        return self

    def __str__(self) -> str:
        return f"{self.installer} cannot install {self.requested} on {self.interpreter}: {self.problem}"


class InapplicableError(UninstallableError):
    """An installer under test cannot be told something that is asked for: nothing of it was tried."""


class UnavailableError(UninstallableError):
    """An installer under test cannot be had itself: no published version of it fits."""


class HashCheckError(WheeltagError):
    """Hashes are checked, and not everything has one that was given.

    ``rule`` says what is expected, ``culprits`` are those that are not so.
    """

    _SHOWN = 5

    def __init__(self, rule: str, culprits: tuple[str, ...]) -> None:
        super().__init__(rule, culprits)
        self.rule = rule
        self.culprits = culprits

    def __str__(self) -> str:
        more = len(self.culprits) - self._SHOWN
        listed = ", ".join(f"`{each}`" for each in self.culprits[: self._SHOWN])
        return f"hashes are checked, so {self.rule}: {listed}{f' and {more} more' if more > 0 else ''}"


class PyprojectError(WheeltagError):
    """A pyproject.toml does not say what it must.

    ``where`` names the file, ``problem`` is one clause on what was expected and found, fit to be printed.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.where} cannot be used, {self.problem}"


class SdistError(WheelError):
    """A source archive cannot be unpacked as it stands; nothing of it was left behind."""


class BuildError(WheeltagError):
    """A wheel could not be built from source.

    ``source`` is its name and version or where it lies, ``interpreter`` the label of whom it was built for,
    ``problem`` one clause, ``output`` what the build printed.
    """

    def __init__(
        self, source: str, interpreter: str, problem: str, output: BuildOutput | None = None
    ) -> None:
        super().__init__(source, interpreter, problem)
        self.source = source
        self.interpreter = interpreter
        self.problem = problem
        self.output = output or BuildOutput()

    def __str__(self) -> str:
        log = f"; its whole output: `{self.output.log}`" if self.output.log else ""
        return f"{self.source} cannot be built for {self.interpreter}, {self.problem}{log}"


class SourceError(BuildError):
    """A source archive or tree holds no project, or does not say how it is built: no interpreter could build it.

    ``source`` is where it lies, or the file in question; ``interpreter`` is empty.
    """

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(source, "", problem)

    def __str__(self) -> str:
        return f"{self.source} cannot be used, {self.problem}"
