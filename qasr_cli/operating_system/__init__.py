"""What differs between operating systems and file systems: `files` is one door, `processes` the other.

In go paths and descriptors; out come bytes, descriptors and locks. Nothing above this room imports a module
that only POSIX systems have.
"""
