-- name: set_session#
-- What every connection keeps to. No compilation: it costs more than any of these statements.
-- No full scans: an index serves each of them, and the plan must not turn on how full a queue
-- happens to be. No parallel workers: many ask at once, and each would take a processor from the
-- others. Nobody waits for ever, nor makes others wait.
SET timezone TO 'UTC';
SET jit TO off;
SET enable_seqscan TO off;
SET max_parallel_workers_per_gather TO 0;
SET synchronous_commit TO on;
SET lock_timeout TO '10s';
SET statement_timeout TO '30s';
SET idle_in_transaction_session_timeout TO '60s';
