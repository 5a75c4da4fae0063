"""Which published wheel an installed one is, and whether it still is what was published."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.finding import several
from pytest_wheeltag.core.identity import Examination, Identification, Listed, Resemblance
from pytest_wheeltag.core.publishedrecord import ArchiveSource, RecordSource
from pytest_wheeltag.errors import StoreError, UnsafeFileError, WheelError
from pytest_wheeltag.system.contents import InstalledContents
from pytest_wheeltag.system.intact import Alteration
from pytest_wheeltag.system.resemblance import compare_installed, describe_other


@dataclass(frozen=True)
class Provenance:
    """Compares what is installed with what was published.

    ``records`` tell the RECORDs of published wheels; ``archives`` are asked for whole ones, only where a published
    RECORD contradicts its own archive.
    """

    records: RecordSource
    archives: ArchiveSource

    def identify(self, contents: InstalledContents, listed: Iterable[Listed]) -> Identification | None:
        """Find the first of some published wheels that an installed one is; None where its own RECORD cannot be read.

        Raises ``CatalogueError`` where one of them cannot be asked about; one that is refused is passed over with a
        warning.
        """
        warnings: list[str] = []
        for each in listed:
            try:
                resemblance = compare_installed(contents, self.records.record(each.file))
            except WheelError as error:
                warnings.append(f"not compared with what is installed: {error}")
            except (OSError, UnsafeFileError, DistInfoError):
                return None
            else:
                if not resemblance.misfits:
                    return Identification(each, tuple(warnings))
        return Identification(None, tuple(warnings))

    def examine(
        self,
        contents: InstalledContents,
        altered: Sequence[Alteration],
        named: Sequence[Listed],
        others: Iterable[Listed],
    ) -> Examination:
        """Compare an installed wheel, whose own RECORD can be read, with the published ones.

        ``altered`` are its files that differ from its own RECORD, ``named`` the published files that WHEEL names,
        ``others`` the remaining ones of the release, asked about only where it is none of the named. Raises
        ``CatalogueError``, and ``WheelError`` where the named ones are refused.
        """
        compared = tuple(self._compare(contents, altered, named))
        like = next((each for each in compared if not each[1].misfits), None)
        if like is not None:
            return self._settle(altered, *like)
        identified = self.identify(contents, others)
        really = identified.really if identified else None
        if not compared:
            return Examination(tuple(each.clause for each in altered), really=really)
        return replace(self._settle(altered, *compared[0]), really=really)

    def _compare(
        self, contents: InstalledContents, altered: Sequence[Alteration], named: Sequence[Listed]
    ) -> Iterator[tuple[Listed, Resemblance]]:
        paths = frozenset(each.path for each in altered)
        refusals: list[WheelError] = []
        for each in named:
            try:
                record = self.records.record(each.file)
            except WheelError as error:
                refusals.append(error)
            else:
                yield each, compare_installed(contents, record, paths)
        if refusals and len(refusals) == len(named):
            raise refusals[0]

    def _settle(
        self, altered: Sequence[Alteration], claimed: Listed, resemblance: Resemblance
    ) -> Examination:
        """Decide by the archive itself about files for which its RECORD has no digest, or a wrong one."""
        if not resemblance.unproven:
            return Examination(tuple(each.clause for each in altered), claimed, resemblance.misfits)
        warnings: tuple[str, ...] = ()
        try:
            digests = self.archives.read_digests(claimed.file)
        except (WheelError, StoreError) as error:
            digests, warnings = {}, (f"its archive cannot be used: {error}",)
        proven = [each for each in resemblance.unproven if digests.get(each.entry) == each.sha256]
        if proven:
            listed = several([each.entry for each in proven])
            problem = f"RECORD of the published `{claimed.file.filename}` is wrong about {listed}"
            warnings = (f"{problem}, which is as in its archive",)
        known, good = {each.path for each in altered}, {each.path for each in proven}
        others = (each for each in resemblance.unproven if each.path not in known | good)
        return Examination(
            tuple(each.clause for each in altered if each.path not in good),
            claimed,
            (*resemblance.misfits, *(describe_other(each.entry) for each in others)),
            warnings=warnings,
        )
