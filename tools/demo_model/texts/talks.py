"""The texts of the sample media: written by hand inside the grammar's vocabulary, never trained on.

Pure text; every sentence here counts as held out (see :mod:`tools.demo_model.texts.language`).
"""

from __future__ import annotations

# One paragraph per line of thought; the synthesiser pauses longer between paragraphs.
TALK: tuple[str, ...] = (
    "Good morning, everyone, and welcome. My name is Helen, and I am from Dublin. Today I want to talk "
    "about our town and the old harbour. First, I will tell you about the market. Then we will talk "
    "about the river, and in the end you can ask any questions.",
    "The market opens at half past seven and closes at one o'clock. Every Saturday, the farmers bring "
    "bread, cheese and honey. There are many flowers in front of the bakery. My brother bought twelve "
    "green apples there last week. They were very good, but he forgot his hat.",
    "Now look at this picture. The white house next to the station is the new library. It was built 16 "
    "years ago, and it has 24 large windows. In the past, there was only a narrow road here. My parents "
    "often walked to the school, because the bus was always late.",
    "The library is open every day. You can read a book, look at the old maps, or listen to music. Our "
    "teacher said that the quiet room is the most beautiful. Two students were working there yesterday. "
    "They wanted to learn a language and visit Rome.",
    "After that, turn left at the museum and go straight on for 80 metres. Can you see the wide bridge? "
    "Behind the bridge there is a small park. In summer, the children swim in the lake and feed the "
    "ducks. In winter it is cold and windy, and the birds are never far from the water.",
    "As you know, the river is long and dark. Last year there was a lot of rain in November. The water "
    "came slowly at first, then quickly. Our neighbour carried nine heavy boxes to the village. Nobody "
    "was angry, but most families were tired and afraid.",
    "However, the workers repaired the wall in 40 days. The captain told us that the harbour is ready "
    "again. Next year, a famous ship will arrive from Oslo. It costs 15 euros to see it, and the "
    "tickets are yellow. Do you want to take a picture of the ship?",
    "In the evening, we will meet at the theatre. Anna will play the piano, and Martin will sing some "
    "old songs. Please bring a warm coat, because the room is cold at night. There is hot chocolate for "
    "the children, and coffee or tea for you.",
    "Well, that is all for today. I hope that you will visit our town soon. Thank you very much for "
    "your time. Do you have any questions?",
)

MAIN_TRACK = (
    "Good evening, everyone. This story is about a red boat. Daniel found it near the beach last spring. "
    "The boat was old and broken, but he was very happy. He painted the "
    "door and cleaned the windows. Now you "
    "can see it next to the bridge every Sunday."
)

COMMENTARY_TRACK = (
    "Thank you, Daniel. I have never seen so many visitors at the lake. My sister sold 37 tickets "
    "before lunch. Then the wind came from the north, and we had to stay "
    "at home. However, the boat is strong. "
    "In fact, it is more famous than the museum."
)

CLIPS: tuple[str, ...] = (
    "Where is the yellow bicycle?",
    "The train to Vienna leaves at a quarter past nine.",
    "Please bring water and fresh fruit for Lucy.",
    "It is ten past three now.",
    "The doctor was waiting outside the hospital. She was tired, but she was not angry.",
    "Yes, we could walk along the river. It takes about 55 minutes.",
    "My number is four seven two nine.",
    "In October it is foggy in Boston. Simon believes that the weather will be dry next week.",
    "Good morning, Nina.",
    "Robert and Sarah live behind the school. They have three brown rabbits and a strange cat.",
)

# With TALK, ten minutes of speech to measure with; no sample.
LECTURE: tuple[str, ...] = (
    "Good evening, everyone. My name is Laura Palmer, and I am a scientist at the university of "
    "Edinburgh. Today I will tell you about our project on the island, about the climate, and, um, "
    "about the penguins. You can ask questions at any time. The first part takes about 20 minutes.",
    "So, let me begin with the journey. In 2009, six scientists and a cook moved to a small wooden "
    "house near the lighthouse. We had 80 boxes, two tents, a radio and a very old tractor. The ship "
    "from Oslo arrived in November, because in winter the sea is full of ice. It was dangerous, but the "
    "captain knew every stone.",
    "The house was cold and dark. There was no electricity at first, so we read books by candle light. "
    "Our cook, Victor, prepared soup, beans and pancakes every day. To be honest, I never want to see a "
    "pancake again. After three weeks, the engineer repaired the machine, and everybody was happy.",
    "What do you see in this picture? That is the narrow valley behind the mountain. On the left there "
    "is a flat square with hundreds of penguins. They are noisy, curious and really lovely. We counted "
    "700 birds in the first summer. Ten years later there were only 300. Why did the number fall by "
    "more than half?",
    "Some people said that the tourists were the problem. Others believed that the water was too warm. "
    "The answer is simple, but sad. There was not enough fish. In a warm year, the fish move north, and "
    "the parents have to swim for many hours. The young birds wait, and they are hungry.",
    "Let us look at the numbers. In 2012, the water was cold, and the birds carried 95 fish to their "
    "children every day. In 2016 it was 41. You see, the difference is enormous. We checked the results "
    "twice, because nobody wanted to believe it. Unfortunately, the experiment was perfect.",
    "Meanwhile, life on the island was never boring. One night a storm destroyed the roof, and we "
    "covered it with a blue tent. My colleague lost her glasses, her wallet and both shoes. A whale "
    "touched our boat. The doctor broke his arm, and he explained to us how to help him. He was patient "
    "and very brave.",
    "On Sundays we played football on the beach. The engine of the radio was broken, so Samuel sang the "
    "news from London. He invented most of it, of course. In the evening we wrote letters, although the "
    "ship came only four times a year. My mother received eleven letters on one day, and she answered "
    "all of them.",
    "Now, what can you do? First, use the train and not the car. Second, ask the restaurant where the "
    "fish comes from. Third, talk with your neighbours, your teachers and your boss. A government "
    "listens when thousands of people write. In my opinion, it is not too late. It will be difficult, "
    "but it is possible.",
    "Before we stop, let me tell you a little about our ordinary life there. In the morning, the cook "
    "played the drum in front of every tent. Breakfast was bread, honey and strong coffee, and it was "
    "never anything else. Then two people walked to the beach and counted the birds, two repaired the "
    "boat, and the others wrote the numbers in a book. At noon there was a movie or a little music.",
    "The weather was terrible every week. In April we had to stay inside for 19 days. We had a race in "
    "the kitchen again and again. Irene, our doctor, was always the winner. She explained that it was "
    "only mathematics, but we never believed her. I think that she had a mirror behind the curtain.",
    "One afternoon in May, a boat with five tourists from Norway arrived. Their engine was broken, and "
    "they had no water. We gave them soup and blankets, and they gave us oranges and a cake. Nobody on "
    "the island had seen fresh fruit for eleven weeks. It was, to be honest, the most beautiful cake of "
    "my life.",
    "In the second winter we lost the electricity for 14 days. The computers were cold, of course, and "
    "the potatoes in the cellar were like stones. Samuel prepared dinner on a small fire in front of the "
    "house. He destroyed one shoe, a wooden spoon and most of the pasta, but everybody was happy. We were "
    "warm, and that was enough.",
    "Perhaps you want to know how we measure a penguin. It is not easy, but it is simple. You take two "
    "people, a bag and a lot of time. A strong person has to take the bird gently under the arm, and the "
    "other person has to write the number in the book. It takes about 50 seconds. After that the penguin "
    "is angry for a week, and it will never forget your voice.",
    "We discovered that the birds are not ordinary at all. An old penguin often stole the keys from my "
    "desk. He carried them to his wife behind the lighthouse, one every evening. When we left the island, "
    "she had 33 keys. We gave him the name of our president, and the president was very proud.",
    "What did we bring home? Seven boxes of books, thousands of photos, and some very old eggs. The "
    "government read our book in 2018 and promised that the valley would be protected. Today the tourists "
    "have to stay four kilometres away. In the last summer my students counted the birds again, and there "
    "were 450. That is not perfect, but I am excited.",
    "Some people believe that one person can never change anything. I think they are wrong. A young "
    "student in Dublin wrote a letter to a newspaper, and the newspaper sent a journalist to our island. "
    "Because of her story, a rich woman from Vienna gave us the money for a new boat. So please write "
    "your letter. Someone will read it.",
    "At the end I want to thank the university, the museum and my family. My husband looked after two "
    "children, a dog and nine rabbits while I was away. The pictures belong to Oscar, our photographer. "
    "You can buy his book outside for 25 dollars. Well, that was the last page. Are there any "
    "questions? Yes, please, the woman with the orange jacket.",
)

SPANISH: tuple[str, ...] = (
    "Buenos días a todos y bienvenidos. Me llamo Carmen y soy de Sevilla. Hoy les voy a hablar de "
    "nuestro pueblo y del viejo puerto. El mercado abre a las siete y media y cierra a la una. Los "
    "campesinos llevan queso, miel y fruta fresca.",
    "La biblioteca nueva está al lado de la estación. En 1987 aquí solo había una carretera estrecha. "
    "Ahora hay 20 ventanas grandes y mucha luz. ¿Quieren ver una fotografía?",
    "En invierno hace frío, pero los niños nunca tienen miedo. Mi abuela preparó chocolate caliente "
    "para todos. Eso es todo por hoy. Muchas gracias por su tiempo.",
)

KOREAN: tuple[str, ...] = (
    "여러분, 안녕하세요. 제 이름은 김서연이고 부산에서 왔어요. 오늘은 우리 마을과 오래된 항구에 대해 "
    "말씀드릴게요. 시장은 오전 일곱 시에 열고 오후 한 시에 닫아요. 농부들은 치즈와 꿀과 과일을 팔아요.",
    "새 도서관은 역 옆에 있어요. 1987년에 여기에는 좁은 길만 있었어요. 지금은 큰 창문이 많아요. 사진을 "
    "보고 싶어요?",
    "겨울에는 춥지만 아이들은 호수에서 놀고 있어요. 우리 할머니는 따뜻한 우유를 준비했어요. 오늘은 "
    "여기까지입니다. 시간을 내 주셔서 감사합니다.",
)

ENGLISH: tuple[str, ...] = (*TALK, *LECTURE, MAIN_TRACK, COMMENTARY_TRACK, *CLIPS)
