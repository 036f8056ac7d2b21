"""How far a run of `verify` came, in a small file, so that an interrupted one goes on with the next partition."""

from pathlib import Path

import msgspec
from truenorth.errors import RefusedError

from truenorth_health.adapters.verify_reports import PartitionReport


class _File(msgspec.Struct):
    bootstrap: str
    sample: int | None
    reports: list[PartitionReport]


class Progress:
    """The reports so far. ``file`` None keeps them in memory only."""

    def __init__(self, file: Path | None, *, bootstrap: str, sample: int | None) -> None:
        """Take up what an interrupted run left.

        Raises:
            RefusedError: the file is none of these, or belongs to a run against another broker or sample.
        """
        self._file = file
        self._kept = _File(bootstrap, sample, [])
        if file is not None and file.is_file():
            self._kept = self._taken_up(file, self._kept)

    @property
    def reports(self) -> list[PartitionReport]:
        """All reports, by partition."""
        return sorted(self._kept.reports, key=lambda report: report.partition)

    @property
    def done(self) -> frozenset[int]:
        """The partitions that are done."""
        return frozenset(report.partition for report in self._kept.reports)

    def add(self, report: PartitionReport) -> None:
        """Remember one more partition."""
        self._kept.reports.append(report)
        if self._file is not None:
            written = self._file.with_name(self._file.name + ".new")
            written.write_bytes(msgspec.json.encode(self._kept))
            written.replace(self._file)

    def finish(self) -> None:
        """All is done: the next run begins anew."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    @staticmethod
    def _taken_up(file: Path, wanted: _File) -> _File:
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=_File)
        except msgspec.MsgspecError as error:
            raise RefusedError("resume_invalid", f"{file} is no progress of verify: {error}") from None
        if (kept.bootstrap, kept.sample) != (wanted.bootstrap, wanted.sample):
            raise RefusedError(
                "resume_other", f"{file} belongs to a run with another broker or --sample; give another file"
            )
        return kept
