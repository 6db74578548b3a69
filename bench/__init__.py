"""Benchmarks: both sides in one run, alternating; medians and spreads go to bench/results/."""
