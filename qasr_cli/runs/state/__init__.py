"""What a run leaves for the next one, in the folder `.qasr` of its output root.

    ledger         finished sources: what came of each, append-only, for people too
    resume_policy  what is to be done about a source that the ledger knows
    backoff        when a source that failed is tried again
    checkpoints    finished chunks of unfinished sources
    locking        one run at a time in one place
    roots          which folder is whose output root, and where its state lies
    journal        all of it, as a run sees it

Nothing here decides text or times, and all of it may be deleted: what is finished is known by its outputs.
"""
