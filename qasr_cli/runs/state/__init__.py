"""The state that a run leaves for the next one, in the folder `.qasr` of its output root.

    ledger         outcomes of finished sources, append-only, readable by people
    resume_policy  what to do about a source that is in the ledger
    backoff        when a failed source is tried again
    checkpoints    finished chunks of unfinished sources
    trusted_files  whose state counts, and the door to its files
    locking        one run at a time in one place
    roots          each source's output root, and where its state lies
    journal        all of it together, for a run

Nothing here decides text or times, and all of it may be deleted: the outputs show which sources are done.
"""
