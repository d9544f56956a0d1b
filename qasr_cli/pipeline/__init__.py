"""One source, from media to rendered text, in the order in which the data flows.

    prepare       probe, decode, find speech   (a process and a thread per source, several sources ahead)
    open_source   a prepared source, and its recognised chunks so far
    engine_lane   chunks of many sources to final text
    batch_work    what a device does with a batch, and with whole sources
    pooled_batch  one batch of chunks, and its results for their sources
    device_pool   a worker thread per device, where there are several
    script        the words of a script in place of the recognised ones
    finish        transcript to cues to file texts   (pure, milliseconds, also `qasr render`)
    containment   which failures end a source, and which only a part of its work
    engine_cache  engines that stay loaded between passes or requests
    stage_timer   where a source's time goes

Only this package holds the order of the stages. It never touches plans, ledgers or output files: the caller
of the engine lane (a run over files, a server's requests) passes a source's owner and its chunk store.
"""
