"""What the user wants done when a source is over: a command of theirs, a request to an address of theirs.

    line      a thread with a queue, so that no run waits for a hook
    command   --exec-after: a command without a shell
    webhook   --webhook: JSON by POST
    address   where to

Nothing here can make a run fail. Whatever goes wrong is a warning with the next step.
"""
