"""What subtitles must keep.

width           cells and half cells of a text
presets         how wide and how fast, by language
profiles        style guides: a table of houses and their numbers
limits          all numbers that one text must keep
function_words  what leans on the next word or hangs on the one before; data: ../function_words.toml
"""
