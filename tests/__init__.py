"""The tests of qasr.

`unit/` starts nothing and has neither torch nor ffmpeg; `property/` says what holds for any input; `golden/`
has files byte for byte; `e2e/` runs real processes, the real ffmpeg and the demo pair, and compares with the
code of others; `parity/`, `bench/` and `torture/` are programs (`make parity`, `make bench`, `make torture`).

A test that takes many seconds is marked `slow`. A test that makes trouble shows that the trouble happened. A
test of a process takes `qasr` or `start_qasr`, which fork, or `spawn`, where the start is what it is about.
"""
