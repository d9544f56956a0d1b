"""Function words of Chinese and Cantonese: data, no logic.

Neither is written with spaces; the words are those that `phrases` finds. Both scripts are listed. Numerals,
demonstratives and measure words lean: a noun follows them.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

_NUMERALS = "一 二 三 四 五 六 七 八 九 十 百 千 两 兩 几 幾 第 每 各 某 多少"
_MEASURES = "个 個 种 種 件 位 只 隻 条 條 张 張 本 班 家 次 份 些"
_MEASURED = " ".join(
    first + measure for first in "这這那哪一每几幾两兩三呢嗰" for measure in _MEASURES.split()
)

WORDS = {
    "zh": words(
        leaning=f"""
            {_NUMERALS} {_MEASURES} {_MEASURED} 这 這 那 哪 我 你 他 她 它 您 不 没 沒 没有 沒有 别 別
            未 很 太 更 最 非常 也 都 就 还 還 才 又 再 最后 最後 一起 已 已经 已經 正在 将 將 会 會 能
            可以 要 应该 應該 必须 必須 想 让 讓 使 叫 是 有 所 这么 這麼 那么 那麼 多么 多麼
        """,
        prepositions="""
            在 从 從 对 對 对于 對於 关于 關於 跟 和 与 與 向 往 把 被 给 給 为 為 为了 為了 用 以 去 到
            由 于 於 按 按照 通过 通過 除了 超过 超過
        """,
        conjunctions="""
            但 但是 而 而且 因为 因為 所以 如果 虽然 雖然 然后 然後 或 或者 还是 還是 不过 不過 可是 并且
            並且 并 並 因此 由于 由於 即使 只要 只有 当 當 那么 那麼 于是 於是
        """,
        trailing="""
            的 地 得 了 着 著 过 過 吗 嗎 呢 吧 啊 呀 们 們 里 裡 上 下 中 之后 之後 之前 以后 以後 以前
            时 時 起来 起來
        """,
    ),
    "yue": words(
        leaning=f"""
            {_NUMERALS} {_MEASURES} {_MEASURED} 呢 嗰 呢啲 嗰啲 啲 我 你 佢 唔 冇 未 唔係 好 太 最 都 就 仲
            最後 一齊 齊 先 又 再 已經 會 可以 要 應該 想 係 有 喺 畀
        """,
        prepositions="""
            喺 由 對 對於 關於 同 同埋 向 將 被 俾 畀 為 為咗 用 以 去 到 跟 除咗 超過
        """,
        conjunctions="""
            但 但係 不過 而 而且 因為 所以 如果 雖然 然後 或者 定係 同埋 即使 只要 當 咁
        """,
        trailing="""
            嘅 咗 緊 過 㗎 啦 喇 呀 啊 囉 喎 咩 嗎 呢 吖 哋 住 埋 晒 下 裡面 入面 上面 之後 之前 嗰陣
        """,
    ),
}
