"""The board."""

from __future__ import annotations

from tests.hosting import Hosting
from tests.roads import Road
from tests.screens.pilots import driven, text, until


async def test_the_board_tells_state_drift_clusters_and_the_last_deployment(
    host_deployed: Hosting, deployed: Road
) -> None:
    deployed.edit("Development", '"autotermination_minutes": 20', '"autotermination_minutes": 30')
    async with driven(host_deployed.program(), 120, 40) as pilot:
        await until(pilot, lambda: "to change" in text(pilot))
        lines = text(pilot).splitlines()
        (row,) = [line for line in lines if line.lstrip().startswith("Development ")]
        for words in ("● deployed", "~ 2 to change", "▶ 2 of 2, 16 cores", "✓ success"):
            assert words in row
        assert any("Production  PRODUCTION  ○ absent" in line for line in lines)
        assert any("cluster dbx-sp-cluster2: update" in line for line in lines)
