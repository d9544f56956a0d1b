#!/usr/bin/env bash
# Transcribe the samples with the model that ships with qasr, and show what came out.
#   tools/demo.sh QASR OUT
set -euo pipefail
cd "$(dirname "$0")/.."
qasr=$1
out=$2

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
run() { say "\$ qasr $*"; "$qasr" "$@"; }

run transcribe samples -r --model demo --srt --vtt --json --overwrite -o "$out"
run transcribe samples/two-tracks.mkv --model demo --audio-track 1 --srt --overwrite -o "$out/second-track"

say "The first cues of $out/talk.srt:"
head -n 16 "$out/talk.srt"
say "The first cue of $out/talk.vtt, with a time before every word:"
sed -n 3,6p "$out/talk.vtt"
say "Everything is in $out/:"
(cd "$out" && ls -C -w 78 -- *.* clips/*.srt second-track/*.srt | sed 's/^/  /')
say "Next: .venv/bin/qasr transcribe YOUR_FILE.mp4 --model demo, or qasr --help"
echo "(The demo model knows a thousand words each of English, Korean and Spanish. For work leave --model out:"
echo "Qwen3-ASR-0.6B, 3.4 GB, once.)"
