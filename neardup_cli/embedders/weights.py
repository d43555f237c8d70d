"""Meta's published SSCD weights: where they come from, where they lie here, and whether they are whole.

The addresses are those of the README of github.com/facebookresearch/sscd-copy-detection. A TorchScript file
holds code besides its weights. It runs in PyTorch's own interpreter and not in Python, but it is code:
hence a checksum wherever one is known, and a look at the archive before PyTorch sees it.

Every command that names a model imports this module, so what only a pull or a check needs is imported there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from neardup_cli.errors import DownloadCorrupt, DownloadFailed, ModelInvalid, ModelMissing
from neardup_cli.records.weights import ChecksumOrigin, WeightsStatus

_PUBLISHED = "https://dl.fbaipublicfiles.com/sscd-copy-detection"
_BLOCK = 1 << 20
_TEXT_ALLOWANCE = 64 << 20  # what the compressed code in an archive may unpack to beyond the file's size


@dataclass(frozen=True, slots=True)
class Weights:
    """A published TorchScript file.

    Attributes:
        dimension: of its vectors.
        trunk: the network.
        sha256: of the file, where it is known. Meta publishes none: the one here is what five independent
            projects pin, and a pull is held to it.
    """

    name: str
    dimension: int
    trunk: str
    size: int | None = None
    sha256: str | None = None

    @property
    def url(self) -> str:
        """The address that Meta's README gives."""
        return f"{_PUBLISHED}/{self.name}.torchscript.pt"

    @property
    def path(self) -> Path:
        """Where the file belongs on this machine: the user's cache folder."""
        return (
            platformdirs.user_cache_path("neardup", appauthor=False)
            / "models"
            / f"{self.name}.torchscript.pt"
        )

    @property
    def record(self) -> Path:
        """Where the checksum of the first pull is kept, in the format of `sha256sum`."""
        return self.path.with_name(f"{self.path.name}.sha256")


_RESNET, _RESNEXT = "ResNet-50", "ResNeXt-101 32x4d"
PUBLISHED = (
    Weights("sscd_disc_blur", 512, _RESNET),
    Weights("sscd_disc_advanced", 512, _RESNET),
    Weights(
        "sscd_disc_mixup",
        512,
        _RESNET,
        98_791_638,
        "9f26bd4c848cc19b73d2ae92eea6e04886f61a7b764ceb7a13aeee62e6a6db56",
    ),
    Weights("sscd_disc_large", 1024, _RESNEXT),
    Weights("sscd_imagenet_blur", 512, _RESNET),
    Weights("sscd_imagenet_advanced", 512, _RESNET),
    Weights("sscd_imagenet_mixup", 512, _RESNET),
)


def find_weights(name: str) -> Weights:
    """Return the published weights of a name.

    Raises:
        ModelMissing: Meta publishes none of that name.
    """
    for weights in PUBLISHED:
        if weights.name == name:
            return weights
    known = ", ".join(weights.name for weights in PUBLISHED)
    raise ModelMissing(f"no published weights are called {name!r}: give one of {known}")


def pulled_path(weights: Weights) -> Path:
    """Return the file of published weights.

    Raises:
        ModelMissing: it is not here; the message says how it gets here, with and without a network.
    """
    if not weights.path.is_file():
        raise ModelMissing(
            f"{weights.name} is not on this machine: run `neardup models pull {weights.name}`, "
            f"or bring {weights.url} here as {weights.path}"
        )
    return weights.path


def pull(weights: Weights, watch: Callable[[int, int | None], None] | None = None) -> WeightsStatus:
    """Fetch published weights, going on from where an earlier pull broke off, and check them.

    Args:
        weights: what to fetch; a whole file that is here already is only checked.
        watch: told of the bytes that are here and of how many there will be.

    Raises:
        DownloadFailed, DownloadCorrupt, DiskFull: see `downloads.download`; the message of the first also
            says which file to bring where to a machine without a network.
        ModelInvalid: what came is no TorchScript archive; it is removed.
    """
    from neardup_cli.downloads import Checksum, download

    expected = _expected(weights)[0]
    checksum = None if expected is None else Checksum("sha256", expected)
    try:
        download(weights.url, weights.path, size=weights.size, checksum=checksum, watch=watch)
    except DownloadCorrupt:
        raise
    except DownloadFailed as exc:
        raise DownloadFailed(
            f"{exc}; or bring that file from another machine, put it at {weights.path} "
            f"and run `neardup models verify {weights.name}`"
        ) from exc
    try:
        check_archive(weights.path)
    except ModelInvalid:
        weights.path.unlink()
        raise
    return verify(weights)


def verify(weights: Weights) -> WeightsStatus:
    """Check a file that is here; the checksum that unpinned weights have at the first look is recorded.

    Raises:
        ModelMissing: it is not here.
        ModelInvalid: it is not what was published, or not what was recorded.
    """
    path = pulled_path(weights)
    found = _sha256(path)
    expected, origin = _expected(weights)
    if expected is not None and found != expected:
        raise ModelInvalid(
            f"{path} is not {weights.name} as {origin.value} (SHA-256 {found}, not {expected}): "
            f"run `neardup models pull {weights.name}` again"
        )
    check_archive(path)
    if expected is None:
        weights.record.write_text(f"{found}  {path.name}\n", encoding="ascii")
    return status(weights)


def status(weights: Weights) -> WeightsStatus:
    """Say what is known of published weights; the file is not read."""
    here = weights.path.is_file()
    sha256, origin = _expected(weights)
    return WeightsStatus(
        name=weights.name,
        dimension=weights.dimension,
        trunk=weights.trunk,
        url=weights.url,
        path=weights.path,
        size=weights.path.stat().st_size if here else None,
        sha256=sha256,
        origin=origin,
    )


def check_archive(path: Path) -> None:
    """Look at a file as a ZIP archive before PyTorch does: is it TorchScript, and no trap.

    Raises:
        ModelInvalid: it is not; the message says what it is instead.
    """
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise ModelInvalid(f"{path} is not a TorchScript file: it is no ZIP archive ({exc})") from exc
    # Everything lies in one folder, which is called as the file was when it was saved.
    names = {entry.filename.partition("/")[2] for entry in entries}
    if "constants.pkl" not in names or not any(name.startswith("code/") for name in names):
        what = "bare weights (a state_dict)" if "data.pkl" in names else "some other ZIP archive"
        raise ModelInvalid(
            f"{path} is not a TorchScript file but {what}: take the .torchscript.pt file of the model"
        )
    # Weights are stored as they are and only code is compressed: an archive that unpacks to far more than
    # its size is a trap for the memory.
    if sum(entry.file_size for entry in entries) > path.stat().st_size + _TEXT_ALLOWANCE:
        raise ModelInvalid(f"{path} is not a TorchScript file: it unpacks to more than it can hold")


def _expected(weights: Weights) -> tuple[str | None, ChecksumOrigin]:
    if weights.sha256 is not None:
        return weights.sha256, ChecksumOrigin.PINNED
    if weights.record.is_file():
        recorded = weights.record.read_text(encoding="ascii", errors="replace").split()
        if recorded:
            return recorded[0], ChecksumOrigin.RECORDED
    return None, ChecksumOrigin.UNKNOWN


def _sha256(path: Path) -> str:
    import hashlib

    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()
