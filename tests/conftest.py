"""Shared by all tests; standing here, it also puts tests/ on the path, for tests/conformance."""
