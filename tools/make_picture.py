"""Draw the README's picture: a real run in a terminal, and its subtitles on a frame of the film.

    python -m tools.make_picture docs/qasr.png

Runs qasr on the samples in a pseudo-terminal, reads the screen back with pyte, draws it with Pillow, and
burns the resulting SRT onto the talk with ffmpeg. Needs the `picture` extra: pip install -e '.[picture]'.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import pyte
from PIL import Image, ImageDraw, ImageFont

from qasr_cli.media.ffmpeg import find_tools

ROOT = Path(__file__).parents[1]
COLUMNS, ROWS = 92, 25
CELL = (10, 21)  # pixels of a character
FRAME_AT_S = 69.0
INK = {"default": "#d4d7dd", "green": "#8fce7c", "red": "#e06c75", "brown": "#e5c07b", "cyan": "#6cc4cf"}
PAPER = "#16191f"
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def main() -> None:
    """Write the picture to the path given."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        screen = pyte.Screen(COLUMNS, ROWS)
        stream = pyte.ByteStream(screen)
        stream.feed(b"\x1b[1m$ qasr transcribe samples -r --model demo -o out\x1b[0m\r\n")
        written = run_in_terminal(["transcribe", "samples", "-r", "--model", "demo", "-o", str(out)])
        stream.feed(written.replace(f"{out}/".encode(), b"out/"))
        stream.feed(b"\x1b[1m$ head -n 7 out/talk.srt\x1b[0m\r\n")
        stream.feed("\r\n".join((out / "talk.srt").read_text().splitlines()[:7]).encode())
        terminal = draw(screen)
        frame = burn(ROOT / "samples" / "talk.mp4", out / "talk.srt", Path(folder), terminal.height)
        picture = Image.new("RGB", (terminal.width + frame.width, terminal.height))
        picture.paste(terminal, (0, 0))
        picture.paste(frame, (terminal.width, 0))
        picture.save(sys.argv[1], optimize=True)


def run_in_terminal(arguments: list[str]) -> bytes:
    """Return all that qasr writes to a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "qasr_cli", *arguments],
        cwd=ROOT,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)},
    )
    os.close(follower)
    written = b""
    try:
        while block := os.read(leader, 65536):
            written += block
    except OSError:  # how a terminal says that nobody is left on the other side
        pass
    os.close(leader)
    if process.wait():
        raise SystemExit(f"qasr {' '.join(arguments)} failed:\n{written.decode()}")
    return written


def draw(screen: pyte.Screen) -> Image.Image:
    """Return the screen as a picture."""
    regular = ImageFont.truetype(str(FONTS / "DejaVuSansMono.ttf"), 16)
    bold = ImageFont.truetype(str(FONTS / "DejaVuSansMono-Bold.ttf"), 16)
    image = Image.new("RGB", (COLUMNS * CELL[0] + 32, ROWS * CELL[1] + 32), PAPER)
    pen = ImageDraw.Draw(image)
    for row in range(ROWS):
        for column in range(COLUMNS):
            char = screen.buffer[row][column]
            where = (16 + column * CELL[0], 16 + row * CELL[1])
            font = bold if char.bold else regular
            pen.text(where, char.data, fill=INK.get(char.fg, INK["default"]), font=font)
    return image


def burn(film: Path, subtitles: Path, folder: Path, height: int) -> Image.Image:
    """Return a frame of the film with its subtitles on it, cut to `height`."""
    # ffmpeg reads a filter's file name twice over; a plain name in the working folder needs no escaping.
    (folder / "s.srt").write_bytes(subtitles.read_bytes())
    style = "FontName=DejaVu Sans,FontSize=17,Outline=1.2,MarginV=24"
    subprocess.run(
        [
            *(find_tools().ffmpeg, "-v", "error", "-y", "-i", film, "-ss", str(FRAME_AT_S), "-frames:v", "1"),
            *(
                "-vf",
                f"subtitles=s.srt:fontsdir={FONTS}:force_style='{style}',scale=-2:{height}",
                "frame.png",
            ),
        ],
        cwd=folder,
        check=True,
    )
    return Image.open(folder / "frame.png").convert("RGB")


if __name__ == "__main__":
    main()
