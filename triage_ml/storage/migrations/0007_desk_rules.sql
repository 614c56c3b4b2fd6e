-- A claimed case may be held. Apart from 0007_desk, because PostgreSQL uses a new word of an
-- enumeration only after the transaction that added it.
-- depends: 0007_desk

INSERT INTO case_transition (from_state, step, to_state) VALUES ('claimed', 'held', 'claimed');
