"""Words in, cues out: width, line breaks, timing. Pure, and in milliseconds.

rules    the rules of one text: presets by language, style guides, limits, widths, function words
layout   words to cues: line breaks, cue breaks and their costs, cue times
qc       checks of existing subtitles, from qasr or not, by the same rules, and their repair

The entry points are `layout.cues.build` and `qc.check.check`.
"""
