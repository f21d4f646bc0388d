"""A Ray cluster on this machine, of several nodes, for tests; they are skipped where Ray is not installed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def local_cluster(*cpus: int, variables: dict[str, str] | None = None) -> Iterator[Any]:
    """A cluster with a node for each number of CPUs, the head first; what `ray.cluster_utils.Cluster` gives.

    Args:
        variables: of the environment in which the nodes are started.
    """
    utilities = pytest.importorskip("ray.cluster_utils")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        for name, value in (variables or {}).items():
            patch.setenv(name, value)
        head = {"num_cpus": cpus[0], "include_dashboard": False, "object_store_memory": 80 * 2**20}
        cluster = utilities.Cluster(initialize_head=True, head_node_args=head)
        for number in cpus[1:]:
            cluster.add_node(num_cpus=number, object_store_memory=80 * 2**20)
    try:
        yield cluster
    finally:
        os.environ.pop("RAY_ADDRESS", None)
        cluster.shutdown()
