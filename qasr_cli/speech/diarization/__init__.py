"""Who speaks when: stretches of speech, clusters of voices, a speaker for each word, segments at turns."""
