"""One source, from media to rendered text, in the order in which the data flows.

    prepare       probe, decode, find speech   (a process and a thread per source, several sources ahead)
    open_source   a prepared source, and what is back from the engine so far
    engine_lane   chunks of many sources to final text, one thread per device
    script        the words of a script in place of the recognised ones
    finish        transcript to cues to file texts   (pure, milliseconds, also `qasr render`)
    containment   which failures end a source, and which only a part of its work
    stage_timer   where a source's time goes

Only this package knows the order of the stages. It knows no plans, ledgers or output files: whoever feeds the
engine lane (a run over files, a server's requests) says who owns a source and where its chunks are kept.
"""
