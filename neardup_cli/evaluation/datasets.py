"""The public data sets that evaluations use: where they are, what may be done with them, how large they are.

Sources of the addresses and of what is known about the files:

- Copydays: https://thoth.inrialpes.fr/~jegou/data.php.html (INRIA's page) lists the four archives below
  http://pascal.inrialpes.fr/data/holidays; Meta's public file server keeps `original` and `strong`, below
  https://dl.fbaipublicfiles.com/vissl/datasets, where most who evaluate on Copydays take them from. The
  SHA-256 of these two are the ones that public repositories record; for the others none was found.
- GLDv2: https://github.com/cvdfoundation/google-landmark lists the archives and the MD5 file of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neardup_cli.downloads import Checksum
from neardup_cli.errors import BadInput

_INRIA = "http://pascal.inrialpes.fr/data/holidays"
_META = "https://dl.fbaipublicfiles.com/vissl/datasets"
_LANDMARKS = "https://s3.amazonaws.com/google-landmark"


@dataclass(frozen=True, slots=True)
class Archive:
    """One file of a data set.

    Attributes:
        part: the part of the data set that it belongs to.
        folder: where its pictures come to lie, below the folder of the data set.
        path: below the base address of a mirror.
        bases: addresses that have it, in the order in which they are tried.
        checksum: what it hashes to, where that is published.
        checksum_path: of a text file beside it that begins with its MD5, where there is one.
    """

    part: str
    folder: str
    path: str
    bases: tuple[str, ...]
    checksum: Checksum | None = None
    checksum_path: str | None = None


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set; `usual` are the parts that are fetched when none is named."""

    name: str
    title: str
    homepage: str
    licence: tuple[str, ...]
    archives: tuple[Archive, ...]
    usual: tuple[str, ...]
    size: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all parts."""
        return tuple(dict.fromkeys(archive.part for archive in self.archives))

    def chosen(self, parts: Sequence[str], limit: int | None) -> tuple[Archive, ...]:
        """Return the archives of some parts, of each part at most the first `limit`.

        Raises:
            BadInput: there is no such part.
        """
        for part in parts:
            if part not in self.parts:
                raise BadInput(f"{self.name} has no part {part}; there are {', '.join(self.parts)}")
        wanted = []
        for part in parts or self.usual:
            wanted += [archive for archive in self.archives if archive.part == part][:limit]
        return tuple(wanted)


def _copydays(part: str, sha256: str | None = None) -> Archive:
    return Archive(
        part,
        part,
        f"copydays_{part}.tar.gz",
        (_META, _INRIA) if sha256 else (_INRIA,),
        Checksum("sha256", sha256) if sha256 else None,
    )


COPYDAYS = DataSet(
    "copydays",
    "INRIA Copydays: 157 holiday photographs, cropped, recompressed and strongly attacked",
    "https://thoth.inrialpes.fr/~jegou/data.php.html",
    (
        "INRIA is the copyright holder of all images of the data set.",
        "Whoever uses it is asked to cite: H. Jégou, M. Douze, C. Schmid, Hamming Embedding and Weak",
        "geometry consistency for large scale image search, ECCV 2008; M. Douze, H. Jégou, H. Sandhawalia,",
        "L. Amsaleg, C. Schmid, Evaluation of GIST descriptors for web-scale image search, CIVR 2009.",
        'It is provided "as is", without any express or implied warranties.',
    ),
    (
        _copydays("original", "8b85b7914fd0145bc258bde3440f6a622243ca91ee085fe2025ce7bdeb0bfb8e"),
        _copydays("strong", "7852c64aa4a37e8329ce08159fc947c16f09c66737db0a2479a90fc9ae40760c"),
        _copydays("crop"),
        _copydays("jpeg"),
    ),
    ("original", "strong"),
    "a few hundred MB",
)


def _landmarks(part: str, count: int) -> tuple[Archive, ...]:
    return tuple(
        Archive(
            part,
            f"{part}/images_{number:03d}",
            f"{part}/images_{number:03d}.tar",
            (_LANDMARKS,),
            checksum_path=f"md5sum/{part}/md5.images_{number:03d}.txt",
        )
        for number in range(count)
    )


GLDV2 = DataSet(
    "gldv2",
    "Google Landmarks Dataset v2: photographs of places, good distractors",
    "https://github.com/cvdfoundation/google-landmark",
    (
        "The annotations are Google's, CC BY 4.0. The images are their authors': those of `index` and",
        "`test` are CC0 or in the public domain, those of `train` CC BY that allows derivatives.",
        "Google makes no warranties about the licence of any image: verify it for yourself. Cite: T. Weyand,",
        "A. Araujo, B. Cao, J. Sim, Google Landmarks Dataset v2, CVPR 2020.",
    ),
    (*_landmarks("index", 100), *_landmarks("test", 20), *_landmarks("train", 500)),
    ("index",),
    "about 850 MB an archive of `index`, 500 MB of `test`, 1 GB of `train`",
)

DATA_SETS = {data_set.name: data_set for data_set in (COPYDAYS, GLDV2)}
