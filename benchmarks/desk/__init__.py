"""The reviewer's desk under load: many cases, many people, and what the database says of it.

python -m benchmarks.desk --cases 100000 --reviewers 50 --seconds 60 --out docs/performance
"""
