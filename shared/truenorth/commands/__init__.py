"""The `truenorth` command line: one program whose commands the installed distributions add by entry point."""
