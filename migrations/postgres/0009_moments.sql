-- A link's nonce begins with the moment at which it was made, so that its index grows at its end; those of before have none.
UPDATE request SET nonce = '\x000000000000'::bytea || nonce WHERE length(nonce) = 16;
