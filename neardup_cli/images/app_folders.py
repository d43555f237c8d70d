"""Folders that belong to an application: photo libraries, previews, thumbnails, recycle bins, snapshots.

What lies there was not put there by a person. A file taken out of `Photos.photoslibrary` breaks that library,
one of a thumbnail cache comes back, one of a recycle bin was thrown away already. So a scan leaves them out
unless it is told otherwise, and a clean-up never acts inside one, told or not. They are known by their names
alone, whatever the case of the letters: nothing on disk is asked.
"""

from __future__ import annotations

import re

_BUNDLES = (
    # Apple: Photos, iPhoto, Aperture, a Live Photo that was exported as one
    "photoslibrary|photolibrary|iphotolibrary|migratedphotolibrary|aplibrary|migratedaplibrary|pvt|"
    # Apple's films and music
    "imovielibrary|fcpbundle|theater|tvlibrary|musiclibrary|"
    # Lightroom (previews, smart previews, masks; the cloud's library), Capture One
    "lrdata|lrlibrary|lrcat-data|cocatalog"
)

_NAMES = (
    # Network drives: Synology, QNAP, WD, TrueNAS (ZFS), Unraid, NetApp
    "@eaDir",
    "@tmp",
    "@SynoResource",
    "@sharebin",
    "#recycle",
    "#snapshot",
    "@Recycle",
    "@Recently-Snapshot",
    ".@__thumb",
    ".@__thumbs",
    "@__thumb",
    ".@upload_cache",
    ".wdmc",
    ".zfs",
    ".snapshot",
    ".snapshots",
    "~snapshot",
    ".recycle",
    ".Recycle.Bin",
    # Bins and bookkeeping of systems
    "$RECYCLE.BIN",
    "RECYCLER",
    "RECYCLED",
    "System Volume Information",
    "__MACOSX",
    ".AppleDouble",
    ".Spotlight-V100",
    ".DocumentRevisions-V100",
    ".TemporaryItems",
    ".fseventsd",
    # What synchronises
    ".stversions",
    ".stfolder",
    ".dropbox.cache",
    ".sync",
    # Viewers and catalog programs
    ".thumbnails",
    ".thumbnail",
    ".thumbs",
    ".thumb",
    ".thumbcache",
    ".dtrash",
    ".picasaoriginals",
    ".xvpics",
    ".BridgeCache",
    "Bridge Cache",
    ".photoprism",
    "iPod Photo Cache",
    "iPhoto Library",
    "Photo Booth Library",
    "Generated Images.bundle",
    ".lrt",
    ".on1",
)

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PATTERNS = (
    rf"[^/]*\.(?:{_BUNDLES})",
    "|".join(map(re.escape, _NAMES)),
    r"\.trash[^/]*",  # .Trash, .Trashes, .Trash-1000
    "trash/files",  # the freedesktop trash of a home
    "captureone/(?:cache|settings)",  # of a session, beside its images
    r"[^/]*\.app/contents",
    r"appdata_[^/]*/(?:preview|appstore|theming)",  # Nextcloud
    rf"(?:thumbs|encoded-video)/{_UUID}",  # immich
    "storage/(?:cache|sidecar)",  # PhotoPrism
    "adobe/(?:bridge|camera ?raw)[^/]*/cache[^/]*",
    r"mipmaps-[^/]*\.d",  # darktable
    "plex media server/(?:cache|media|metadata)",
)
_FOLDER = re.compile(f"/(?:{'|'.join(_PATTERNS)})(?=/|\\Z)".encode(), re.IGNORECASE)
_ENDS_HERE = re.compile(f"/(?:{'|'.join(_PATTERNS)})\\Z".encode(), re.IGNORECASE)


def in_app_folder(path: bytes) -> bytes | None:
    """Return the outermost folder of an application that a path is or lies in; None if there is none.

    Args:
        path: absolute, of a file or a folder.
    """
    found = _FOLDER.search(path)
    return None if found is None else path[: found.end()]


def is_app_folder(folder: bytes) -> bool:
    """Return True if a folder itself, whatever those above it, belongs to an application."""
    return _ENDS_HERE.search(folder) is not None
