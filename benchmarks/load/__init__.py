"""The load benchmark of the serving path: our service and its peers, in turn, on one machine.

python -m benchmarks.load --seconds 20 --out docs/performance
"""
