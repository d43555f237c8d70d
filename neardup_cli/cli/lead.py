"""What `neardup` alone says: the way from a folder to a clean one."""

from __future__ import annotations

from neardup_cli.cli.output import write_prose

_LEAD = """\
neardup finds the copies in a collection of images.

  neardup ~/Photos       scan it, say what was found and what comes next
  neardup dups           the copies, group by group
  neardup serve --open   the same on a page, to decide by keyboard
  neardup clean          what would go and why: a plan, and no more
  neardup undo           take the last clean-up back

Only `clean --apply`, or Apply on the page, touches your images.
`neardup status` says what is known already.
`neardup demo gallery` renders something to try it on.
`neardup --help` lists all commands."""


def print_lead() -> None:
    """Print the steps, each with the command that does it."""
    write_prose(_LEAD.splitlines())
