"""What subtitles must keep.

width           cells and half cells of a text
presets         how wide and how fast, by language
profiles        whose rules: a table of houses and their numbers
limits          all numbers that one text must keep
function_words  what leans on the next word or hangs on the one before, by language
"""
