"""Words in, cues out: width, line breaks, timing. Pure, and in milliseconds.

rules    what one text must keep: presets by language, profiles of houses, limits, widths, function words
layout   words to cues: where a line and a cue may end, what a break costs, when a cue comes and goes
qc       subtitles that exist, ours or not, judged by the same numbers and breaks, and their repair

The doors are `layout.cues.build` and `qc.check.check`.
"""
