"""In which panel of a command's help an option stands, and how what it takes is called there.

The options are declared where they are used; that they stand together in every help is written once, here.
"""

from __future__ import annotations

from typing import Any

MATCHING = "Matching: what counts as a copy"
CHOOSING = "Choosing: which files take part, and which stay"
ACTING = "Acting: what is done"
OUTPUT = "Output"
GENERAL = "General"
ORDER = (ACTING, CHOOSING, MATCHING, OUTPUT, GENERAL)

_PANELS = {
    MATCHING: "--threshold --hamming --model --no-verify --preset --min-confidence --grouping --include "
    "--exact --hash-only --thorough --neighbours --precision",
    CHOOSING: "--under --keep --prefer --protect --only --between --within --whole --min-size --min-copies "
    "--min-disks --accept-loss --across-drives --not-duplicates --exclude --hidden --follow-symlinks "
    "--app-folders --split --no-labels --suite --attack --sample --part --peer --since --queries "
    "--references --distractors --truth --attacks --pairs --decisions --max-side --photos "
    "--containers",
    ACTING: "--action --to --apply --permanently --across-devices --carry-metadata --interactive --resume "
    "--plan --remove-empty-folders --undo --batch --from --repair --verify-files --remove --rehash "
    "--previews --prove --into --mirror --keep-archives --accept-licence --host --port --token "
    "--token-file --no-token --allow-host --open --upload-mb --settle --every --as-is",
    OUTPUT: "--json --format --null --limit --top-k --csv --plot --plots --save --write-clean-lists --force "
    "--plan-out --list --fail-on-match --strict --submission --rows --images --groups --issues "
    "--drop-list --keep-list --webdataset --shard-size --fiftyone",
}
_PANEL_OF = {option: panel for panel, options in _PANELS.items() for option in options.split()}
_LONGEST_CHOICE = 20  # letters of all words together, so that a narrow terminal need not break them


def furnish(parameter: Any) -> None:  # noqa: ANN401 - Typer's own Click
    """Put an option into its panel, and call what is taken by a word or by its choices, never by a type."""
    if parameter.param_type_name != "option":
        parameter.display_type = lambda ctx: ""  # noqa: ARG005 - its name says what it takes
        return
    parameter.rich_help_panel = _PANEL_OF.get(parameter.opts[-1], GENERAL)
    if parameter.metavar is None and not parameter.is_flag and not parameter.count:
        parameter.metavar, more = _taken(parameter)
        parameter.help += more


def _taken(parameter: Any) -> tuple[str, str]:  # noqa: ANN401 - as above
    """Return what an option takes, and what its help says more of that."""
    kind = parameter.type_descriptor
    if kind.is_choice:
        words = [str(getattr(choice, "value", choice)) for choice in kind.choices]
        if len("|".join(words)) <= _LONGEST_CHOICE:
            return "|".join(words), ""
        return parameter.opts[-1].strip("-").upper(), f" One of {', '.join(words)}."
    if kind.is_ranged:
        return ("X" if "float" in kind.ranged_type_name else "N"), ""
    return ("PATH" if kind.is_path else "NAME"), ""
