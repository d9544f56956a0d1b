"""Quality of subtitles: rules, checks, repair, comparison.

findings        the rules and their severity
check           the entry point: `check.check`; check_times, check_text, check_words have the rules
caption_atoms   captions to text atoms
fix             times and line breaks repaired
comparison      comparison with a reference; suber is SubER
"""
