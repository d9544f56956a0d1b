"""Words to cues.

text_atom       text that no line break may cut
word_splitting  words to text atoms, with clean text and possible times
phrases         text atoms in languages that write no spaces (BudouX)
break_costs     costs of the breaks between two atoms
ja_ko_endings   the same for Japanese and Korean, by the endings of words
line_breaking   the best lines of one cue
cue_search      the best cues of all atoms (dynamic programme)
frame_grid      times in whole frames
shot_snapping   times beside changes of the picture
cue_timing      start and end of each cue
cues            the entry point: `cues.build`
"""
