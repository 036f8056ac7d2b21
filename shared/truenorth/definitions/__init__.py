"""Definitions: what CS operations writes as YAML in git, parsed, linted and bundled under its content hash.

`model` has the typed definitions, `parse` reads YAML with file and line in every refusal, `lint` finds what
parses and still cannot be meant, `bundle` gives a set of definitions its hash and its wire form.
"""
