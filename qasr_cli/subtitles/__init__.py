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
"""
