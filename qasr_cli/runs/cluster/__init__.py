"""A run over a Ray cluster: many machines transcribe, and this process writes.

    cluster_lanes   the run's side: batches of sources out, final texts in
    assignment      which actor gets which sources, and what happens to those of a lost one (pure)
    connection      the process that holds the connection to the cluster, seen from the run
    ray_process     that process, the only one that imports Ray
    actor_shell     the class that Ray ships to the workers; compares versions before anything else is read
    worker          an actor's work: the lanes of `runs.execution.local_lanes` on shared storage
    messages        the values that travel between them
    frames          values over a socket

Workers never write outputs or ledgers. They write checkpoints, so that a film whose actor dies is resumed by
the next one.
"""
