"""KeyedHeap behaves as a sorted table, however keys are moved and dropped."""

from hypothesis import given
from hypothesis import strategies as st

from certwright.runtime.keyed_heap import KeyedHeap

RANKS = st.sampled_from([0.0, 1.0, 2.0, float("inf")])
OPERATIONS = st.lists(st.tuples(st.sampled_from("abcdef"), st.none() | RANKS), max_size=300)


@given(OPERATIONS)
def test_pops_in_the_order_of_the_last_rank_and_then_of_setting(operations: list[tuple[str, float | None]]) -> None:
    heap: KeyedHeap[str] = KeyedHeap()
    model: dict[str, tuple[float, int]] = {}
    for turn, (key, rank) in enumerate(operations):
        if rank is None:
            heap.discard(key)
            model.pop(key, None)
        else:
            heap.set(key, rank)
            model[key] = (rank, turn)
        assert len(heap) == len(model)
        assert heap.rank(key) == rank
    assert [heap.pop() for _ in range(len(heap))] == sorted(model, key=lambda key: model[key])
    assert heap.first() is None


def test_memory_does_not_grow_when_far_ranks_are_moved_again_and_again() -> None:
    heap: KeyedHeap[int] = KeyedHeap()
    for rank in range(100):
        for key in range(100):
            heap.set(key, rank)
    assert len(heap._heap) <= 3 * 100


def test_keys_need_not_be_comparable() -> None:
    heap: KeyedHeap[complex] = KeyedHeap()
    heap.set(1j, 1)
    heap.set(2j, 1)
    assert heap.pop() == 1j
