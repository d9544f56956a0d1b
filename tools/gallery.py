"""Draw the README's second picture: qasr's cues in six languages, burnt on frames of the sample film.

    python -m tools.gallery docs/languages.png

The words are those of the golden transcripts, the cues what qasr makes of them now. libass, which is in
ffmpeg, sets the text: it shapes Arabic and Devanagari, and players use it. The fonts are Debian's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.formats import parse_transcript
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import CueOptions
from qasr_cli.pipeline import finish
from qasr_cli.subtitles.rules import limits

ROOT = Path(__file__).parents[1]
FILM = ROOT / "samples" / "talk.mp4"
WIDTH, HEIGHT = 640, 360
SHOWN_HEIGHT = 270  # the lower part of a frame: nothing but sky is above
COLUMNS = 2
PACKAGES = "fonts-noto-core fonts-noto-cjk"
FOLDERS = (Path("/usr/share/fonts/opentype/noto"), Path("/usr/share/fonts/truetype/noto"))


@dataclass(frozen=True, slots=True)
class Panel:
    """A frame of the film with one cue on it.

    Attributes:
        case: Name of the golden transcript.
        name: The language's own name for itself.
        family: Font, and `file` that holds it.
        size: As libass counts, from the highest to the lowest point of the font.
        at_s: Which frame of the film.
    """

    case: str
    name: str
    family: str
    file: str
    size: int
    at_s: float


_CJK = "NotoSansCJK-Regular.ttc"
PANELS = (
    Panel("english-talk", "English", "Noto Sans", "NotoSans-Regular.ttf", 34, 20),
    Panel("korean", "한국어", "Noto Sans CJK KR", _CJK, 40, 30),
    Panel("japanese", "日本語", "Noto Sans CJK JP", _CJK, 40, 56),
    Panel("chinese", "中文", "Noto Sans CJK SC", _CJK, 40, 82),
    Panel("arabic", "العربية", "Noto Sans Arabic", "NotoSansArabic-Regular.ttf", 52, 108),
    Panel("hindi", "हिन्दी", "Noto Sans Devanagari", "NotoSansDevanagari-Regular.ttf", 32, 134),
)

# White with a dark rim, as players draw them; clear of the film's own bar. Encoding -1 lets the text say
# whether it runs from the right: libass else puts the full stop of an Arabic line at its beginning.
_SCRIPT = """\
[Script Info]
PlayResX: {width}
PlayResY: {height}
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding
Style: Cue,{family},{size},&H00FFFFFF,&H00101010,&H80000000,1,1.8,0.6,2,20,20,26,-1
Style: Name,{family},{small},&H00D8D0C8,&H00402820,&H80000000,1,1,0,7,16,16,10,-1

[Events]
Format: Start, End, Style, Text
Dialogue: 0:00:00.00,0:01:00.00,Cue,{cue}
Dialogue: 0:00:00.00,0:01:00.00,Name,{name}
"""


def main() -> None:
    """Write the picture to the path given."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, panel in enumerate(PANELS):
            draw(panel, folder, f"{number}.png")
        shutil.copy(stack(folder), sys.argv[1])


def fullest_lines(case: str) -> tuple[str, ...]:
    """Return the lines of the cue that fills its lines best."""
    transcript = parse_transcript((ROOT / "tests" / "golden" / f"{case}.json").read_text(encoding="utf-8"))
    laid_out = finish.lay_out(transcript, limits.of_transcript(transcript, CueOptions()))
    return max((cue.lines for cue in laid_out), key=lambda lines: (len(lines), sum(map(len, lines))))


def find_font(file: str) -> Path:
    """Return where a font lies, or end with what to install."""
    for folder in FOLDERS:
        if (folder / file).exists():
            return folder / file
    raise SystemExit(f"the gallery needs the font {file}: apt-get install {PACKAGES}")


def draw(panel: Panel, folder: Path, name: str) -> None:
    """Write one panel; libass sees no font but its own, so that none can stand in for it."""
    fonts = folder / panel.case
    fonts.mkdir()
    (fonts / panel.file).symlink_to(find_font(panel.file))
    script = _SCRIPT.format(
        width=WIDTH,
        height=SHOWN_HEIGHT,
        family=panel.family,
        size=panel.size,
        small=panel.size * 2 // 3,
        cue="\\N".join(fullest_lines(panel.case)),
        name=panel.name,
    )
    # A plain name in the working folder: ffmpeg reads a filter's file name twice over.
    (folder / "s.ass").write_text(script, encoding="utf-8")
    crop = f"crop={WIDTH}:{SHOWN_HEIGHT}:0:{HEIGHT - SHOWN_HEIGHT}"
    look = f"scale={WIDTH}:{HEIGHT},{crop},subtitles=s.ass:fontsdir={panel.case}"
    ffmpeg(folder, "-ss", panel.at_s, "-i", FILM, "-frames:v", 1, "-vf", look, name)


def stack(folder: Path) -> Path:
    """Return the picture of all panels."""
    inputs = [argument for number in range(len(PANELS)) for argument in ("-i", f"{number}.png")]
    places = [
        f"{number % COLUMNS * WIDTH}_{number // COLUMNS * SHOWN_HEIGHT}" for number in range(len(PANELS))
    ]
    graph = f"xstack=inputs={len(PANELS)}:layout={'|'.join(places)}"
    ffmpeg(folder, *inputs, "-filter_complex", graph, "-frames:v", 1, "-pred", "mixed", "gallery.png")
    return folder / "gallery.png"


def ffmpeg(folder: Path, *arguments: object) -> None:
    """Run ffmpeg in `folder`."""
    command = [str(find_tools().ffmpeg), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    main()
