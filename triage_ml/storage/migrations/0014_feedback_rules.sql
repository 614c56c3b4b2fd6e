-- In every state the item's text can be erased. Apart from 0014_feedback, because PostgreSQL uses
-- a new word of an enumeration only after the transaction that added it.
-- depends: 0014_feedback

INSERT INTO case_transition (from_state, step, to_state) VALUES
    ('received', 'erased', 'received'),
    ('queued', 'erased', 'queued'),
    ('claimed', 'erased', 'claimed'),
    ('decided', 'erased', 'decided'),
    ('withdrawn', 'erased', 'withdrawn');
