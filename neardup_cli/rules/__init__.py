"""The rules, each written once: what a copy is, what a family, which file stays, how it is said. No I/O."""
