"""Evaluate composed image retrieval: metrics, retrieval, benchmarks, probes, test-server files."""
