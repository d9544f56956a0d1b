"""Kill a run over many files again and again, go on each time, and compare with a run that nobody killed.

    python -m tests.torture                        50 files, 200 kills, demo model
    python -m tests.torture --kills 20 --files 10 --engine tests.fakes:slow

After every kill each result that is there must be whole, and at the end all results must be the same bytes,
with nothing left lying about: no temporary file beside the media, none in the folder for temporary files, no
checkpoint. Every second kill is a SIGTERM, which must end the run within its step.
"""
