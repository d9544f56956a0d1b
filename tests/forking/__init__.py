"""Processes of qasr that are forked from one that has imported everything: tests do not wait for imports.

`server` is the program that forks; `client` asks it for a process, and is also the `qasr` that a shell finds;
`processes` is what tests use.
"""
