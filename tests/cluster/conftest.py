"""What `make test-cluster` runs: with Kubernetes built, or not at all."""

import os

from fixtures import helm, namespace, plane

__all__ = ["helm", "namespace", "plane"]

collect_ignore_glob = [] if os.environ.get("CALLSLA_CLUSTER") == "true" else ["test_*.py"]
