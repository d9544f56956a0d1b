"""Which actor gets which sources: sizes of batches, and what happens to those of lost actors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.records import Source
from qasr_cli.runs.cluster.assignment import MAX_LOSSES, Assignments, Batch, Lengths
from qasr_cli.runs.planning.output_plan import Plan

S = 32_000  # bytes of a second of a kind that is not known yet


def plans(*seconds: int) -> list[Plan]:
    return [Plan(Source(number, Path(f"{s}.wav"), Path(f"{s}.wav")), {}) for number, s in enumerate(seconds)]


def of(*seconds: int) -> Assignments:
    return Assignments(plans(*seconds), Lengths(lambda source: int(source.path.stem) * S))


def ids(batch: Batch | None) -> list[int]:
    return [] if batch is None else [plan.source.id for plan in batch.plans]


def settle(work: Assignments, actor: int, batch: Batch, audio_ms: int = 1_000) -> None:
    for plan in batch.plans:
        assert work.settle(actor, batch.number, plan.source.id, audio_ms) is plan
    assert work.end_batch(actor, batch.number)


class TestSizes:
    def test_the_first_batch_is_minutes_of_audio(self) -> None:
        work = of(*[60] * 1_000)
        assert len(ids(work.take(1, 1, 0.0))) == 15

    def test_with_the_speed_a_batch_is_two_minutes_of_work(self) -> None:
        work = of(*[60] * 10_000)
        first = work.take(1, 1, 0.0)
        assert first is not None
        settle(work, 1, first, 60_000)  # 15 minutes of audio in 30 s of work: 30 times as fast as speech
        assert len(ids(work.take(1, 1, 30.0))) == 60

    def test_a_film_is_alone_and_short_files_are_not_given_with_it(self) -> None:
        work = of(60, 60, 7_200, 60, 60, *[60] * 100)
        assert ids(work.take(1, 1, 0.0)) == [0, 1]
        assert ids(work.take(1, 1, 0.0)) == [2]

    def test_towards_the_end_batches_get_smaller_and_stay_worth_a_batch(self) -> None:
        work, sizes = of(*[20] * 200), list[int]()
        while batch := work.take(len(sizes), 4, 0.0):
            sizes.append(len(batch.plans))
        assert sizes[0] == 16  # 4,000 s among 4 actors, and a third of each part: 333 s
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-2] == 6  # two minutes

    def test_an_actor_has_two_batches_and_no_third(self) -> None:
        work = of(*[600] * 9)
        assert work.take(1, 1, 0.0)
        assert work.take(1, 1, 0.0)
        assert work.take(1, 1, 0.0) is None
        assert work.take(2, 1, 0.0)

    def test_lengths_are_learnt_by_kind(self) -> None:
        lengths = Lengths(lambda source: 1_000_000)
        film, talk = (Source(n, Path(name), Path(name)) for n, name in enumerate(("a.mkv", "b.ogg")))
        assert lengths.estimate_ms(film) == 31_250
        lengths.learn(film, 4_000)
        assert lengths.estimate_ms(Source(2, Path("c.MKV"), Path("c.MKV"))) == 4_000
        assert lengths.estimate_ms(talk) == 31_250

    def test_files_without_a_size_are_no_work_and_go_out_all_the_same(self) -> None:
        work = of(0, 0, 0)
        assert ids(work.take(1, 4, 0.0)) == [0, 1, 2]

    def test_so_many_actors_as_there_is_work_for(self) -> None:
        assert of(*[60] * 4).n_useful(8) == 2
        assert of(*[60] * 100).n_useful(8) == 8
        assert of(1).n_useful(8) == 1
        assert of(0).n_useful(8) == 1


class TestLosses:
    def test_what_was_settled_is_not_done_again(self) -> None:
        work = of(*[60] * 6)
        batch = work.take(1, 1, 0.0)
        assert batch is not None
        first, *rest = ids(batch)
        work.settle(1, batch.number, first, 1_000)
        assert work.lose(1) == []
        taken = [number for actor in range(2, 9) for number in ids(work.take(actor, 1, 0.0))]
        assert sorted(taken) == sorted({*range(6)} - {first})
        assert set(rest) <= set(taken)

    def test_an_answer_that_comes_too_late_is_not_taken(self) -> None:
        work = of(60)
        batch = work.take(1, 1, 0.0)
        assert batch is not None
        work.lose(1)
        assert work.settle(1, batch.number, 0, 1_000) is None
        assert work.open_plan(1, batch.number, 0) is None
        again = work.take(2, 1, 0.0)
        assert again is not None
        settle(work, 2, again)
        assert work.is_over

    def test_a_batch_that_ends_early_is_noticed(self) -> None:
        work = of(60, 60)
        batch = work.take(1, 1, 0.0)
        assert batch is not None
        work.settle(1, batch.number, 0, 1_000)
        assert not work.end_batch(1, batch.number)
        work.settle(1, batch.number, 1, 1_000)
        assert work.end_batch(1, batch.number)

    def test_the_lost_wait_until_all_else_is_given_out_and_get_an_actor_of_their_own(self) -> None:
        work = of(*[900] * 3)
        assert ids(work.take(1, 1, 0.0)) == [0]
        work.lose(1)
        assert ids(work.take(2, 1, 0.0)) == [1]
        assert ids(work.take(2, 1, 0.0)) == [2]
        assert work.take(2, 1, 0.0) is None  # it has others
        alone = work.take(3, 1, 0.0)
        assert alone is not None
        assert alone.is_alone
        assert ids(alone) == [0]

    def test_who_was_lost_once_goes_with_few_others_and_who_was_lost_twice_alone(self) -> None:
        work = of(*[10] * 40)
        first, second = work.take(1, 1, 0.0), work.take(1, 1, 0.0)
        n_lost = len(ids(first)) + len(ids(second))
        assert n_lost > 16
        work.lose(1)
        while (batch := work.take(2, 1, 0.0)) and not batch.is_alone:
            settle(work, 2, batch)
        assert len(ids(batch)) == 16
        work.lose(2)
        sizes = []
        while batch := work.take(3, 1, 0.0):
            sizes.append(len(batch.plans))
            settle(work, 3, batch)
        assert sizes == [n_lost - 16, *[1] * 16]
        assert work.is_over

    @given(st.lists(st.integers(1, 900), min_size=1, max_size=60), st.data())
    def test_a_killer_fails_alone_and_all_others_are_done(
        self, seconds: list[int], data: st.DataObject
    ) -> None:
        work = of(*seconds)
        killers = data.draw(st.sets(st.sampled_from(range(len(seconds))), max_size=3))
        settled: list[int] = []
        failed: list[int] = []
        actor = 0
        while not work.is_over:
            actor += 1
            assert actor < 1_000
            taken = []
            while batch := work.take(actor, 2, 0.0):
                taken.append(batch)
            assert taken
            for batch in taken:
                numbers = ids(batch)
                dead = next((place for place, one in enumerate(numbers) if one in killers), None)
                for number in numbers[:dead]:
                    assert work.settle(actor, batch.number, number, 1_000)
                    settled.append(number)
                if dead is not None:
                    failed += [plan.source.id for plan in work.lose(actor)]
                    break
                assert work.end_batch(actor, batch.number)
        assert sorted(failed) == sorted(killers)
        assert sorted(settled) == sorted({*range(len(seconds))} - killers)

    @pytest.mark.parametrize("n_losses", [MAX_LOSSES - 1, MAX_LOSSES])
    def test_the_third_loss_is_the_last(self, n_losses: int) -> None:
        work = of(60)
        failed: list[Plan] = []
        for actor in range(n_losses):
            assert work.take(actor, 1, 0.0)
            failed += work.lose(actor)
        assert len(failed) == (n_losses == MAX_LOSSES)
        assert work.is_over is (n_losses == MAX_LOSSES)
