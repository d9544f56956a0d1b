"""The use cases behind the commands, one module each, in values: no Typer, no argument parsing.

    transcribe, watch, align, render, check, dry_run   one use case each: options in, an exit code out
    api              the same for Python programs: `import qasr_cli`
    transcriber      a model that stays in memory between calls of the API
    api_keywords     the keywords of the API
    run_pass         one pass of a run over many sources, for transcribe and watch
    caption_check    one subtitle file, from its bytes to findings
    check_report     findings as a page, lines, CSV or JSON
    fixed_copies     repaired copies of subtitle files
    observers        logging and progress reporters
    outputs          formats by name, and output plans
    sources          stdin, lists and folders as sources
    text_input       the user's text files, and stdin

Use cases do not import each other, and the Python API prints nothing.
"""
