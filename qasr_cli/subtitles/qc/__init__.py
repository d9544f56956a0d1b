"""Quality of subtitles: rules, checks, repair, comparison.

findings        the rules, and which are errors
check           the door: `check.check`; check_times, check_text, check_words hold the rules
caption_atoms   captions to text atoms
fix             times and line breaks repaired
comparison      against a reference; suber is SubER
"""
