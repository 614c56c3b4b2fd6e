"""What labels are worth when they are chosen: `python -m benchmarks.labelling`."""
