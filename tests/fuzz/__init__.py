"""Fuzzing of everything that reads files: `python -m tests.fuzz`, or `make fuzz`.

In go valid files of each kind; each input is one of them with a few edits that respect its structure: whole
lines and tokens move, numbers become absurd, brackets nest. Out come inputs at which a reader fails: with an
error that is none of qasr's, with exit code 70, by taking too long, or by breaking a promise, such as that
`--fix` keeps every word. Each is made as small as hypothesis can and kept in `corpus/TARGET/`;
`tests/property/test_fuzz.py` reads all of these again.
"""
