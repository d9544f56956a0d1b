"""What differs between operating systems and file systems: `files` is one door, `processes` the other.

    files        opening and reading foreign files
    refusals     what a file system refuses without harm to a result
    scratch      a folder for temporary files, and file_lease, which shows whether one is in use
    streams      inputs that can be read once, by name
    text_bytes   UTF-16 and byte order marks

In go paths and descriptors; out come bytes, descriptors and locks. Nothing above this package imports a
module that only POSIX systems have.
"""
