"""Valid subtitle files of every format that is read; mutations begin with them."""

from __future__ import annotations

SUBTITLES = tuple(
    text.encode()
    for text in (
        """\ufeff1
00:00:01,000 --> 00:00:02,000
{\\an8}<i>Hello</i>
there

2
00:00:02,5 --> 0:00:04,000
Yes
""",
        """WEBVTT - a

STYLE
::cue{color:red}

REGION
id:a

NOTE b

1
00:01.000 --> 00:02.000 align:start position:5%
<v Bob>Hello <00:00:01.500><c.y>there</c> &amp; &lt;
\x20

00:02.000 --> 00:03.000
- Yes
""",
        """[Script Info]
Title: a

[V4+ Styles]
Format: Name, Fontname
Style: D,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,{\\i1}Hello{\\i0}\\Nthere
Comment: 0,0:00:02.00,0:00:03.00,D,,0,0,0,,x
""",
        """{"text": "Hello", "language": "en", "segments": [{"id": 0, "start": 0.5, "end": 1.25,
 "text": " Hello", "words": [{"word": " Hello", "start": 0.5, "end": 1.25, "probability": 0.9}]}]}
""",
        """{"result": {"language": "en"}, "transcription": [{"timestamps": {"from": "00:00:00,500",
 "to": "00:00:01,250"}, "offsets": {"from": 500, "to": 1250}, "text": " Hello"}]}
""",
        """<SAMI><HEAD><STYLE>.KRCC {lang:ko-KR;}</STYLE></HEAD><BODY>
<SYNC Start=1000><P Class=KRCC>Hello<br>there
<SYNC Start=2000><P Class=KRCC>&nbsp;
</BODY></SAMI>
""",
        """{1}{1}23.976
{24}{48}Hello|there
{50}{70}{y:i}Yes
""",
        """<?xml version="1.0"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25">
<body><div><p begin="00:00:01.000" end="2s">Hello<br/>there</p>
<p begin="50f" dur="100ms"><span>Yes</span></p></div></body></tt>
""",
        """[ti:a]
[offset:+100]
[00:01.00]Hello
[00:02.00][00:05.00]Yes
[00:03.00]<00:03.00>No <00:03.50>way
""",
        """0:00:01.000,0:00:02.000
Hello
there

0:00:02.500,0:00:04.000
Yes
""",
        "1.000000\t2.000000\tHello\n2.5\t4.0\tYes\n",
        "start\tend\ttext\n1000\t2000\tHello\n2500\t4000\tYes\n",
    )
)

FOREIGN_JSON = tuple(
    text.encode()
    for text in (
        """[{"start": 0.5, "end": 1.25, "text": "Hello", "words": [{"word": "Hello", "start": 0.5,
 "end": 1.25, "score": 0.9}]}, {"start": 1.5, "end": 2, "text": "there", "speaker": "SPEAKER_00"}]
""",
        """{"task": "transcribe", "duration": 3.5, "text": "Hello there", "words": [{"word": "Hello",
 "start": 0.5, "end": 1.25}, {"word": "there", "start": 1.25, "end": 2}], "language": "english"}
""",
        """{"text": "Hello", "chunks": [{"timestamp": [0.5, 1.25], "text": " Hello"}, {"timestamp":
 [2.0, null], "text": " there"}]}
""",
        """{"segments": [{"start": 1, "end": 2, "text": "\\uc548\\ub155", "words": [{"word": "\\uc548",
 "start": 1, "end": 2, "tokens": [1]}]}], "ori_dict": {}, "language": "ko", "nonspeech_sections": []}
""",
    )
)
