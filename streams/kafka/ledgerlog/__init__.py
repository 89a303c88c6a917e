"""The log of ticks and snapshots: what makes every exported count rebuildable from Kafka.

A ledger is a deterministic state machine with two inputs: the records of its partition of the
events topic, in offset order, and ticks (`advance(now)`). Kafka keeps the records; this log keeps
the ticks, so state = newest snapshot + records and ticks since. Everything here is driven through
the ports of `ports`, so the same code runs on Kafka, in the auditor and in the simulation.
"""
