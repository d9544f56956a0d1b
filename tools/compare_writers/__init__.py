"""The same words through qasr's cue builder and other tools' writers, counted by one counter."""
