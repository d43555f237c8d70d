"""What a name promises and what the first bytes tell: which files may be images.

Nothing here decodes: a scan that finds nothing new asks only this, and must not wait for a decoder's import.
"""

from __future__ import annotations

import re

IMAGE_EXTENSIONS = frozenset(
    b"jpg jpeg jpe jfif mpo png apng webp gif bmp dib tif tiff avif avifs"
    b" heic heif heics heifs hif jp2 j2k j2c jpc jpf jpx"
    b" ppm pgm pbm pnm pfm tga ico pcx qoi jxl".split()
)
"""Extensions that are opened; what is in the file decides what it is. For JPEG XL see `extras`."""

RAW_EXTENSIONS = frozenset(
    b"3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mdc mef mos mrw nef nrw orf pef ptx raf raw rw2 rwl"
    b" rwz sr2 srf srw x3f".split()
)
"""Camera raw files: read with an extra, and only where no image of the same name lies beside them."""

RAW_FORMATS = frozenset({"ARW", "CR2", "CR3", "DNG", "NEF", "ORF", "PEF", "RAF", "RAW", "RW2", "SRW"})
"""What a camera raw file's content is called; "RAW" is one of another camera."""

FILM_EXTENSIONS = frozenset(
    b"mov mp4 mp m4v avi mkv webm mpg mpeg mts m2ts m2v mpv vob wmv flv 3gp 3g2 ogv asf insv lrv dv f4v"
    b" rm rmvb mxf".split()
)

_ARCHIVES = (
    b"zip cbz cbr cb7 cbt rar 7z tar gz tgz bz2 tbz xz txz zst lz lzma lz4 cab ace arj iso dmg".split()
)
_DOCUMENTS = (
    b"pdf ps eps ai djvu djv epub mobi azw3 doc docx odt rtf xls xlsx ods ppt pptx odp pages key".split()
)
_DRAWINGS = b"psd psb xcf kra clip svg svgz jxr wdp hdp exr hdr dds cdr afphoto afdesign sketch".split()
_OTHERS = (
    b"txt text md rst log csv tsv json jsonl ndjson yaml yml toml ini cfg conf xml xsl html htm xhtml"
    b" css js mjs ts tsx jsx map py pyc pyi pyx ipynb c h cc cpp cxx hpp hh rs go java class jar kt swift"
    b" rb pl php sh bash bat cmd ps1 sql lua r m tex bib srt vtt sub ass lrc nfo url webloc desktop lnk"
    b" torrent xmp aae pp3 dop dopx thm vrd cos cop cof nksc nka arp rpp on1 onphoto lrtemplate lrcat xpo"
    b" pto icc icm mp3 m4a aac wav flac ogg oga opus wma aif aiff mid midi amr exe dll so dylib o a lib"
    b" obj bin msi deb rpm apk ipa app pkg wasm db sqlite sqlite3 db-wal db-shm db-journal mdb accdb"
    b" parquet arrow feather npy npz h5 hdf5 pkl pt pth onnx safetensors mat lock pid swp ttf otf woff"
    b" woff2 eml msg ics vcf gpx kml kmz fit geojson stl gltf glb blend par2 sfv md5 sha1 sha256 sig asc"
    b" pem crt key pub ds_store ithmb plist modd moff".split()
)

NOT_AN_IMAGE = "not an image file"

_REASONS = {
    **dict.fromkeys(_OTHERS, NOT_AN_IMAGE),
    **dict.fromkeys(_ARCHIVES, "archive: not read"),
    **dict.fromkeys(_DOCUMENTS, "document: not read"),
    **dict.fromkeys(_DRAWINGS, "image of a format that is not read"),
    **dict.fromkeys(FILM_EXTENSIONS, "film: not read"),
    **dict.fromkeys(RAW_EXTENSIONS, "raw file: not read"),
}

USUAL_ENDINGS = (b".jpg", b".JPG", b".jpeg", b".png", b".heic", b".HEIC", b".webp", b".gif", b".bmp")
"""What nearly all image files end in, for a look that has to be quick."""


def is_raw(path: bytes, format_name: str = "") -> bool:
    """Return True if a file is a camera's raw file by its name, or by what its content is called."""
    return format_name in RAW_FORMATS or extension_of(path) in RAW_EXTENSIONS


def has_image_extension(path: bytes) -> bool:
    """Return True if a name ends like that of an image file, whatever its case."""
    if path.endswith(USUAL_ENDINGS):  # nearly all of them, at a third of the cost
        return True
    return extension_of(path) in IMAGE_EXTENSIONS


def reason_not_to_read(path: bytes) -> str | None:
    """Say why a file is not read, by its name alone; None if what is in it has to be asked."""
    return _REASONS.get(extension_of(path))


def extension_of(path: bytes) -> bytes:
    """Return what stands behind the last dot of a path, in lower case; nothing where there is none."""
    _, dot, extension = path.rpartition(b".")
    return extension.lower() if dot else b""


# --- the first bytes ------------------------------------------------------------------------------------

SNIFFED_BYTES = 64
"""Reaches over the brands of an ISO-BMFF "ftyp" box."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),  # a bare codestream
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"qoif", "QOI"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (b"\xff\x0a", "JXL"),  # a bare codestream
    (b"FUJIFILMCCD-RAW ", "RAF"),
    (b"IIU\0", "RW2"),
    (b"IIRO", "ORF"),
    (b"IIRS", "ORF"),
    (b"MMOR", "ORF"),
    (b"II\x1a\0\0\0HEAPCCDR", "RAW"),  # Canon's CRW
    (b"\0MRM", "RAW"),  # Minolta's
    (b"FOVb", "RAW"),  # Sigma's
)

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_CONTAINER_BRANDS = {b"mif1", b"msf1"}  # of either: the compatible brands tell

_PNM = re.compile(rb"P(?:[1-6](?:\s+|#[^\n]*\n)+[0-9]|f\s+[0-9])")
_DIB_HEADERS = {40, 52, 56, 64, 108, 124}  # sizes of the header, which are its first four bytes
_DIB_DEPTHS = {1, 4, 8, 16, 24, 32}
_TGA_KINDS = {1, 2, 3, 9, 10, 11}


def sniff(head: bytes) -> str | None:
    """Name the format of a file that begins with `head`; None if it is none that is read."""
    for signature, format_name in _SIGNATURES:
        if head.startswith(signature):
            return format_name
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _of_container(head)
    if _PNM.match(head):
        return "PPM"
    return _by_header(head)


def looks_like_image(head: bytes) -> bool:
    """Return True if a file of any name is worth being read; what chance brings about is not enough.

    What only an extra reads is known by its name alone: without the extra it is nobody's fault.
    """
    format_name = sniff(head)
    if format_name in RAW_FORMATS or format_name == "JXL":
        return False
    if format_name == "BMP":  # "BM" begins many a text
        return int.from_bytes(head[14:18], "little") in _DIB_HEADERS | {12}
    return format_name not in (None, "TGA", "DIB", "PCX")


def _of_container(head: bytes) -> str | None:
    brand, end = head[8:12], int.from_bytes(head[:4])
    if brand == b"crx ":
        return "CR3"
    compatible = {head[i : i + 4] for i in range(16, min(end, len(head)), 4)}
    if brand in _AVIF_BRANDS or (brand in _CONTAINER_BRANDS and compatible & _AVIF_BRANDS):
        return "AVIF"
    return "HEIF" if brand in _HEIF_BRANDS | _CONTAINER_BRANDS else None


def _by_header(head: bytes) -> str | None:
    """Name the formats that have no signature, only a header in which few values are possible."""
    if len(head) < 22:
        return None
    if head.startswith(b"\0\0\1\0"):
        count, offset = _little(head, 4), int.from_bytes(head[18:22], "little")
        return "ICO" if count and head[9] == 0 and offset >= 6 + 16 * count else None
    if head[0] == 10 and head[1] in (0, 2, 3, 5) and head[2] == 1 and head[3] in (1, 2, 4, 8):
        return "PCX"
    if int.from_bytes(head[:4], "little") in _DIB_HEADERS:
        return "DIB" if _little(head, 12) == 1 and _little(head, 14) in _DIB_DEPTHS else None
    has_map, kind, depth = head[1], head[2], head[16]
    if has_map in (0, 1) and kind in _TGA_KINDS and depth in (8, 16, 24, 32) and head[17] < 64:
        mapped = kind in (1, 9)
        sized = _little(head, 12) and _little(head, 14)
        if sized and (has_map == 1) >= mapped and (has_map == 1 or not any(head[3:8])):
            return "TGA"
    return None


def _little(head: bytes, at: int) -> int:
    return int.from_bytes(head[at : at + 2], "little")
