from __future__ import annotations

from akool_async.simulator import NetworkConditions


def test_a_perfect_network_delivers_at_once() -> None:
    network = NetworkConditions()
    assert network.perfect
    assert [network.deliveries() for _ in range(3)] == [[0.0]] * 3


def test_certain_loss_and_certain_doubling() -> None:
    assert NetworkConditions(loss=1.0).deliveries() == []
    first, second = NetworkConditions(double=1.0, delay=0.2).deliveries()
    assert first == 0.2
    assert 0.2 <= second <= 0.25


def test_every_packet_is_late_by_the_delay_and_a_held_one_by_more() -> None:
    assert NetworkConditions(delay=0.3).deliveries() == [0.3]
    held = NetworkConditions(reorder=1.0, reorder_delay=2.0, delay=0.3)
    times = [held.deliveries()[0] for _ in range(100)]
    assert all(0.3 <= moment <= 2.3 for moment in times)
    assert max(times) > 1.3
    assert times != sorted(times)


def test_a_run_is_repeated_by_its_seed() -> None:
    def run(seed: int) -> list[list[float]]:
        network = NetworkConditions(loss=0.3, double=0.3, reorder=0.5, seed=seed)
        return [network.deliveries() for _ in range(200)]

    assert run(7) == run(7)
    assert run(7) != run(8)
    counts = [len(times) for times in run(7)]
    assert {0, 1, 2} == set(counts)


def test_conditions_may_change_meanwhile() -> None:
    network = NetworkConditions()
    network.loss = 1.0
    assert not network.perfect
    assert network.deliveries() == []
