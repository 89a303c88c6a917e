// What the tests need of Kubernetes, built from its own sources by .ci/cluster, which adds the
// requirements and replacements of k8s.io/kubernetes itself.
module callsla/tests/cluster/kubernetes

go 1.24.0

require k8s.io/kubernetes v1.34.3
