"""Every error that neardup shows to a person, and the exit code that each one owns.

    NeardupError                     1   anything below that is not named more exactly
    ├── BadInput                     2   an argument, setting or report that cannot be used
    ├── PathNotFound                 3   a path named by the user is not there
    ├── CatalogError
    │   ├── CatalogMissing           4   nothing has been scanned into this catalog yet
    │   ├── CatalogTooNew            5   made by a newer neardup
    │   ├── CatalogCorrupt           6   damaged
    │   │   └── NotACatalog          6   something else, which is left as it is
    │   └── CatalogBusy              7   another scan is writing
    ├── ModelError
    │   ├── ModelMissing             8   no such model name or file
    │   ├── ModelInvalid             9   the file is not an embedding model
    │   └── ModelMismatch           10   vectors of another model, or of none
    ├── DiskFull                    11   no room to write
    ├── UnreadableImage             12   a file that cannot be read as an image
    │   └── ImageTooLarge           12   … within this run's limits: another run may read it
    ├── MissingExtra                13   an optional dependency is not installed
    ├── ChecksFailed                14   `doctor` found damage, or `--strict` found unreadable files
    ├── CopiesFound                 15   `--fail-on-match` was given, and there is a copy
    ├── DownloadFailed              16   a file could not be fetched
    │   └── DownloadCorrupt         17   what came is not what was announced
    ├── FilesRefused                18   some files could not be acted upon, or not be put back
    ├── ClusterFailed               19   the Ray cluster cannot be reached, or gave up
    └── CannotTell                  20   images that decide could not be looked at: there may be more copies

Exit code 0 is success and 130 an interrupt (Ctrl-C). A message is one line that says what to do.
Foreign exceptions are translated where they enter, with `raise … from exc`.
"""


class NeardupError(Exception):
    """The root of every error that neardup raises on purpose."""

    exit_code = 1


class BadInput(NeardupError):
    """An argument, a setting or a report cannot be used as it is."""

    exit_code = 2


class PathNotFound(NeardupError):
    """A path named by the user does not exist."""

    exit_code = 3


class CatalogError(NeardupError):
    """The catalog cannot be used."""


class CatalogMissing(CatalogError):
    """There is no catalog yet where one is needed."""

    exit_code = 4


class CatalogTooNew(CatalogError):
    """The catalog was migrated by a newer version of the program."""

    exit_code = 5


class CatalogCorrupt(CatalogError):
    """The catalog file is not a catalog, or it is damaged."""

    exit_code = 6


class NotACatalog(CatalogCorrupt):
    """What is there is no catalog, and never was: it is left alone."""


class CatalogBusy(CatalogError):
    """Another process is writing to the catalog."""

    exit_code = 7


class ModelError(NeardupError):
    """An embedding model cannot be used."""


class ModelMissing(ModelError):
    """A model name is unknown, or its file is not there."""

    exit_code = 8


class ModelInvalid(ModelError):
    """A file is not an embedding model of the expected interface."""

    exit_code = 9


class ModelMismatch(ModelError):
    """The stored vectors do not belong to the model that was asked for."""

    exit_code = 10


class DiskFull(NeardupError):
    """There is no room left to write."""

    exit_code = 11


class UnreadableImage(NeardupError):
    """A file cannot be read as an image; the message is the reason, without the path."""

    exit_code = 12


class ImageTooLarge(UnreadableImage):
    """An image exceeds the pixel limit, or the memory there is; nothing is wrong with the file."""


class MissingExtra(NeardupError):
    """An optional dependency is not installed; the message names the install command."""

    exit_code = 13


class ChecksFailed(NeardupError):
    """A check that was asked for found something wrong."""

    exit_code = 14


class CopiesFound(NeardupError):
    """A copy was found where the caller wanted none: not a fault, but a pipe has to stop."""

    exit_code = 15


class DownloadFailed(NeardupError):
    """A file could not be fetched; what has come of it is kept, and the same command goes on from there."""

    exit_code = 16


class DownloadCorrupt(DownloadFailed):
    """What a server sent is not what was announced, by size or checksum; it was thrown away."""

    exit_code = 17


class FilesRefused(NeardupError):
    """Some files of a clean-up or an undo could not be acted upon; each was named with its reason."""

    exit_code = 18


class ClusterFailed(NeardupError):
    """The Ray cluster cannot be reached, or gave up; what was stored before stays."""

    exit_code = 19


class CannotTell(NeardupError):
    """What had to be looked at is away and has no preview: what was not found may be a copy all the same."""

    exit_code = 20
