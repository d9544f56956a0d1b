"""The rules of subtitles.

width           cells and half cells of a text
presets         line width and reading speed, by language
profiles        style guides: a table of their numbers
speaker_marks   names and dashes of speakers
limits          all limits of one text
function_words  words that belong to the next or the previous word; data: ../function_words.toml
"""
