"""Words in, cues out: width, line breaks, timing. Pure, and in milliseconds.

presets         how wide and how fast, by language
profiles        whose rules: a table of houses and their numbers
limits          all numbers that one text must keep
units           words to what may stand at the edge of a line, with clean text and possible times
phrases         the same in languages that write no spaces (BudouX)
boundaries      how good a break is between two units
function_words  what leans on the next word or hangs on the one before, by language
endings         the same for Japanese and Korean, where a word's ending says it
lines           the best lines of one cue
search          the best cues of all units
timing          when each cue comes and goes
grid, shots     in whole frames, and with the picture
cues            the door: `cues.build`

Subtitles that exist, ours or not, are judged by the same numbers and breaks:

findings        the rules, and which are errors
check           the door: `check.check`; check_times, check_text, check_words hold the rules
caption_units   captions to units
mend            times and line breaks repaired
comparison      against a reference; edit_rate is SubER
"""
