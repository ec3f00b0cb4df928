-- What a request with a key did, written with it: whoever was cut off before the answer is told so.

ALTER TABLE idempotency_keys ADD COLUMN effect text;
