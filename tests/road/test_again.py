"""Everything a second time changes nothing and writes nothing."""

from __future__ import annotations

from tests.roads import Road


def test_a_second_run_of_everything_writes_nothing(deployed: Road) -> None:
    before = deployed.writes()
    again = [deployed.setup(), deployed.deploy("-e", "Development"), deployed.run("init")]
    assert [one.code for one in again] == [0, 0, 0]
    assert [one.report["status"] for one in again] == ["unchanged"] * 3
    assert deployed.writes() == before
