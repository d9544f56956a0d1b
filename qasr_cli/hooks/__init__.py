"""The user's hooks, which run when a source is finished: a command, or a request to a web address.

    line      a thread with a queue, so that no run waits for a hook
    command   --exec-after: a command without a shell
    webhook   --webhook: JSON by POST
    address   the address of a webhook

A hook never makes a run fail. A failing hook is a warning with the next step.
"""
