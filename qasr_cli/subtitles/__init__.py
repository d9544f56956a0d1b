"""Words in, cues out: width, line breaks, timing. Pure, and in milliseconds.

presets     how wide and how fast, by language
units       words to what may stand at the edge of a line, with clean text and possible times
boundaries  how good a break is between two units
lines       the best lines of one cue
cues        the best cues of all units; the door: `cues.build`
timing      when each cue comes and goes
"""
