"""The answer of `dups` as rows: an image, a pair or a family each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from neardup_cli.choices import Role
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch
from neardup_cli.records.rows import FamilyRow, ImageRow, PairRow
from neardup_cli.reports.evidence import evidence, weakest_link
from neardup_cli.reports.json_report import losses

type Called[Id] = Callable[[bytes], Id]
"""Says what a file is called in the rows."""


def image_rows[Id](
    files: Iterable[CatalogedFile], groups: Sequence[DuplicateGroup], called: Called[Id]
) -> Iterator[ImageRow[Id]]:
    """Yield one row an image, in the order in which they come.

    Args:
        files: all that were compared.
        groups: their families.
        called: what each is called.
    """
    of_members = _member_rows(groups, called)
    for file in files:
        yield of_members.get(file.path) or _row(file, called)


def family_rows[Id](groups: Iterable[DuplicateGroup], called: Called[Id]) -> Iterator[FamilyRow[Id]]:
    """Yield one row a family."""
    for group in groups:
        yield FamilyRow(
            group.id,
            called(group.keep),
            tuple(called(member.path) for member in group.members),
            group.reason,
            weakest_link(group).confidence,
            group.reclaimable_bytes,
            tuple(map(called, group.seen_in)),
        )


def pair_rows[Id](report: DupsReport, called: Called[Id]) -> Iterator[PairRow[Id]]:
    """Yield one row a match, those inside a family first."""
    for group in report.groups:
        for match in group.matches:
            yield _pair(match, group.id, called)
    for match in report.links:
        yield _pair(match, None, called)


def _member_rows[Id](groups: Iterable[DuplicateGroup], called: Called[Id]) -> Mapping[bytes, ImageRow[Id]]:
    rows: dict[bytes, ImageRow[Id]] = {}
    for group in groups:
        tied = evidence(group)
        for member in group.members:
            match = tied.get(member.path)
            lost = losses(group, member)
            role = group.role_of(member)
            rows[member.path] = replace(
                _row(member, called),
                family=group.id,
                keep=role is Role.KEPT or member.path in group.kept,
                role=role.value,
                kind=None if match is None or match.kind is None else match.kind.value,
                confidence=None if match is None else match.confidence,
                losses=None if lost is None else tuple(lost),
            )
    return rows


def _row[Id](file: CatalogedFile, called: Called[Id]) -> ImageRow[Id]:
    return ImageRow(
        called(file.path),
        width=file.width,
        height=file.height,
        bytes=file.stamp.size,
        format=file.format,
        content=file.digest.hex(),
    )


def _pair[Id](match: FileMatch, family: str | None, called: Called[Id]) -> PairRow[Id]:
    return PairRow(
        called(match.a),
        called(match.b),
        family,
        match.stage.value,
        None if match.kind is None else match.kind.value,
        match.confidence,
        match.similarity,
        match.hamming,
        match.implied,
    )
