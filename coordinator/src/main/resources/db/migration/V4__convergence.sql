-- What becomes of rounds that do not converge. The column strategy may change since: it is the strategy that is in use.

ALTER TABLE migration ADD COLUMN post_copy VARCHAR(32) NOT NULL DEFAULT 'ALLOWED';
ALTER TABLE migration ADD COLUMN on_no_convergence VARCHAR(32) NOT NULL DEFAULT 'POST_COPY';
