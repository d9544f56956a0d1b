"""Function words of Thai: data, no logic.

Thai writes no spaces between words; the words are those that `phrases` finds.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "th": words(
        leaning="""
            ไม่ จะ กำลัง การ ความ ทุก ผม ฉัน ดิฉัน เรา คุณ เขา เธอ มัน พวก ยัง เคย ต้อง ควร อยาก คง ค่อย
            น่า นัก ผู้ ชาว นาย นาง นางสาว เป็น คือ อย่า แค่ หลาย บาง แต่ละ
        """,
        prepositions="""
            ใน จาก กับ ของ ถึง ด้วย สำหรับ บน ใต้ ตาม แก่ ต่อ เมื่อ ระหว่าง เพื่อ โดย ที่ แห่ง ตั้งแต่ จน
            จนถึง เกี่ยวกับ
        """,
        conjunctions="""
            และ หรือ แต่ เพราะ ถ้า หาก เมื่อ ซึ่ง ว่า จึง เพื่อ โดย แล้ว ก็ เพราะว่า เนื่องจาก แม้
            รวมถึง ดังนั้น ขณะที่ อัน
        """,
        trailing="""
            ครับ ค่ะ คะ นะ นะครับ นะคะ จ้ะ จ๊ะ เลย ด้วย นี้ นั้น โน้น นั่น นี่ ไหม มั้ย หรอก สิ ซิ ล่ะ แล้ว
            อยู่ กัน มาก ๆ บ้าง อีก ไป มา ทั้งหมด ทั้งหลาย แบบ แบบนี้ หมด ทั้ง
        """,
    ),
}
