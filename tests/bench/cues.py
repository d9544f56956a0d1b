"""How long the cues of 45 minutes of speech take, without reading or writing a file.

    python -m tests.bench.cues             English, Korean, Japanese, Chinese and Thai
    python -m tests.bench.cues --profile   and where the time goes

The text is a few sentences again and again, with a pause now and then, spoken as fast as people do. Japanese
and Chinese are given character by character, Thai sentence by sentence: as the recognizer gives them, and the
hardest that they can be.

Five rounds on one core of an Intel Xeon (two cores, both busy with other work), no GPU, at ede9525:

| language | words | cues | median CPU s | least |
|---|---|---|---|---|
| en | 10219 | 1135 | 0.55 | 0.54 |
| ko | 5110 | 973 | 0.21 | 0.20 |
| ja | 17177 | 772 | 1.18 | 1.16 |
| zh | 12227 | 601 | 0.91 | 0.91 |
| th | 591 | 591 | 0.51 | 0.51 |
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
import time

from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Word
from tests.cue_building import build_cues

MINUTES = 45
ROUNDS = 5
TEXTS = {
    "en": "When I jumped on the bus, I saw the man who had taken the basket from the old lady. On two minor "
    "occasions immediately following the war, small numbers of people were seen crossing the border.",
    "ko": "먼저 음성을 텍스트로 바꾸고, 그다음에 단어마다 시간을 맞추는 과정이 필요합니다. "
    "우리가 역에 도착했을 때 부산으로 가는 마지막 기차는 이미 떠난 뒤였습니다.",
    "ja": "それから駅前の新しい喫茶店でコーヒーを飲みながら、来月の旅行について話し合いたいと思っています。"
    "新しい図書館は来年の春に完成する予定なので、子どもたちはとても楽しみにしています。",
    "zh": "今天我想跟大家分享一下我们团队在过去三年里所做的工作。"
    "我们到达车站的时候，工作人员告诉我们最后一班去上海的火车已经开走了。",
    "th": "เมื่อเราไปถึงสถานีเจ้าหน้าที่บอกว่ารถไฟขบวนสุดท้ายไปเชียงใหม่ออกไปแล้ว "
    "เด็กนักเรียนจากโรงเรียนที่อยู่ริมแม่น้ำช่วยกันปลูกต้นไม้มากกว่าร้อยต้นในสวนสาธารณะ",
}
MS_PER_LETTER = {"en": 54, "ko": 150, "ja": 140, "zh": 200, "th": 60}  # English: 200 words a minute


def speech(language: str) -> list[Word]:
    """Return 45 minutes of words."""
    text, ms_per_letter = TEXTS[language], MS_PER_LETTER[language]
    parts = list(text) if language in {"ja", "zh"} else text.split()
    lead = "" if language in {"ja", "zh"} else " "
    words: list[Word] = []
    now_ms = 1_000
    while now_ms < MINUTES * 60_000:
        part = parts[len(words) % len(parts)]
        words.append(Word(lead, part, now_ms, now_ms + ms_per_letter * len(part)))
        now_ms = words[-1].end_ms + (350 if part[-1] in ".。" else 0) + (900 if len(words) % 97 == 0 else 0)
    return words


def main() -> None:
    """Print the seconds for each language."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", action="store_true")
    is_profiled = parser.parse_args().profile
    sys.stdout.write("| language | words | cues | median CPU s | least |\n|---|---|---|---|---|\n")
    for language in TEXTS:
        words = speech(language)
        seconds = []
        built: tuple[Cue, ...] = ()
        for _ in range(ROUNDS):
            begun_s = time.process_time()
            built = build_cues(words, language, words[-1].end_ms + 2_000, CueOptions())
            seconds.append(time.process_time() - begun_s)
        middle, least = statistics.median(seconds), min(seconds)
        sys.stdout.write(f"| {language} | {len(words)} | {len(built)} | {middle:.2f} | {least:.2f} |\n")
        if is_profiled:
            with cProfile.Profile() as profile:
                build_cues(words, language, words[-1].end_ms + 2_000, CueOptions())
            pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main()
