"""One short recording as several programs write it down: subtitles, transcripts, TextGrid."""

LONG_GRID = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "ann - words"
        xmin = 0
        xmax = 1.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.25
            text = ""
        intervals [2]:
            xmin = 0.25
            xmax = 0.75
            text = "say ""hi"""
        intervals [3]:
            xmin = 0.75
            xmax = 1.5
            text = "sp"
    item [2]:
        class = "IntervalTier"
        name = "ann - phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 1
        intervals [1]:
            xmin = 0.25
            xmax = 0.5
            text = "HH"
    item [3]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 1.5
        points: size = 1
        points [1]:
            number = 0.5
            mark = "click"
'''

SHORT_GRID = '''File type = "ooTextFile"
Object class = "TextGrid"

0
1.5
<exists>
1
"IntervalTier"
"ann - words"
0
1.5
2
0
0.25
""
0.25
0.75
"say ""hi"""
'''

SRT = "1\n00:00:00,500 --> 00:00:02,000\nHello there.\n\n2\n00:00:02,500 --> 00:00:04,000\nBye.\n"

VTT = "WEBVTT\n\n00:00.500 --> 00:02.000\nHello there.\n\n00:02.500 --> 00:04.000\nBye.\n"

LRC = "[00:00.50]Hello there.\n[00:02.50]Bye.\n"

WHISPER = (
    '{"text": " Hello there. Bye.", "language": "en", "segments": [{"start": 0.5, "end": 2.0, '
    '"text": " Hello there. Bye.", "words": ['
    '{"word": " Hello", "start": 0.5, "end": 1.0, "probability": 0.9}, '
    '{"word": " there.", "start": 1.0, "end": 1.5, "probability": 0.8}, '
    '{"word": " Bye.", "start": 1.5, "end": 2.0, "probability": 0.7}]}]}'
)

TRANSCRIPT = (
    '{"schema": "qasr.v1", "source": "talk.mp4", "track": {"stream_index": 0, "codec": "", "channels": 1, '
    '"sample_rate_hz": 16000, "start_ms": 0, "duration_ms": null, "language": null}, "duration_ms": 2000, '
    '"fingerprint": "0", "model": "m", "aligner": "", "segments": [{"start_ms": 0, "end_ms": 2000, '
    '"language": "en", "text": "Hello there.", "flags": ["loop"], "words": ['
    '{"lead": "", "text": "Hello", "start_ms": 0, "end_ms": 500, "timing": "aligned", "confidence": 0.5}, '
    '{"lead": " ", "text": "there.", "start_ms": 500, "end_ms": 900, "timing": "aligned", "confidence": null}'
    '], "speaker": null}], "cues": []}'
)
