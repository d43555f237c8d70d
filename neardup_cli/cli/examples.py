"""Two things to type for each command, as they stand at the foot of its help."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, str]] = {
    "look": ("neardup look ~/Photos", "neardup ~/Photos /media/backup"),
    "scan": ("neardup scan ~/Photos ~/Phone", "neardup scan ~/Photos --thorough --exclude '*.png'"),
    "dups": ("neardup dups --under ~/Photos", "neardup dups --format paths -0 | xargs -0 ls -l"),
    "watch": ("neardup watch ~/Photos ~/Phone", "neardup watch ~/Downloads --settle 30"),
    "folders": ("neardup folders", "neardup folders --under /media/backup --under ~/Photos --exact"),
    "ignore": ("neardup ignore a.jpg b.jpg", "neardup ignore --not-duplicates 81a015631c42"),
    "ignored": ("neardup ignored", "neardup ignored --undo 3"),
    "keep": ("neardup keep ~/Photos/best.jpg", "neardup keep ~/Photos/album/*.jpg"),
    "clean": (
        "neardup clean --prefer ~/Photos --protect /media/backup",
        "neardup clean --only exact --action quarantine --to ~/put-aside --apply",
    ),
    "undo": ("neardup undo", "neardup undo --from ~/put-aside"),
    "query": ("neardup query holiday.jpg", "neardup query *.jpg --top-k 3 --json"),
    "check": ("neardup check ~/Downloads", "neardup check new.jpg --fail-on-match"),
    "compare": ("neardup compare a.jpg b.jpg", "neardup compare a.jpg b.jpg --hash-only --json"),
    "explain": ("neardup explain a.jpg b.jpg", "neardup explain a.jpg b.jpg --save both.jpg"),
    "leaks": (
        "neardup leaks --split train=data/train --split test=data/test",
        "neardup leaks --split train=a --split test=b --fail-on-match",
    ),
    "export": (
        "neardup export --images images.parquet --drop-list drop.txt",
        "neardup export --webdataset shards --shard-size 500",
    ),
    "report": ("neardup report copies.html", "neardup report copies.html --under ~/Photos --limit 100"),
    "status": ("neardup status", "neardup status --catalog photos.db --json"),
    "doctor": ("neardup doctor", "neardup doctor --verify-files --since 30d"),
    "backup": ("neardup backup catalog-2026.db", "neardup backup /media/backup/catalog.db"),
    "trust": ("neardup trust", "neardup trust ~/Photos --remove"),
    "demo": ("neardup demo gallery", "neardup demo gallery --photos 100 --seed 7"),
    "serve": ("neardup serve --open", "neardup serve --token-file token --port 8500"),
    "ui": ("neardup ui", "neardup ui --port 8600"),
    "models list": ("neardup models list", "neardup models list --json"),
    "models pull": ("neardup models pull sscd_disc_mixup", "neardup models pull sscd_disc_large"),
    "models convert": (
        "neardup models convert sscd_disc_mixup",
        "neardup models convert sscd_disc_mixup --images ~/Photos",
    ),
    "models path": ("neardup models path sscd", "neardup models path sscd_disc_mixup"),
    "models verify": ("neardup models verify", "neardup models verify sscd_disc_mixup"),
    "eval attacks": (
        "neardup eval attacks photos copies --sample 60",
        "neardup eval attacks photos copies --suite strong --seed 7",
    ),
    "eval fetch": (
        "neardup eval fetch copydays --into data",
        "neardup eval fetch gldv2 --into data --part 000 --accept-licence",
    ),
    "eval run": (
        "neardup eval run --queries copies --references photos",
        "neardup eval run --queries copies --references photos --plots figures --json",
    ),
    "eval tune": (
        "neardup eval tune --attacks photos --precision 0.999",
        "neardup eval tune --decisions --apply",
    ),
    "eval compare": (
        "neardup eval compare --queries copies --references photos",
        "neardup eval compare --queries copies --references photos --plot compare.svg",
    ),
}
"""By command. Each line is one that the command takes; `tests/cli/test_help.py` parses them."""
