-- Partitioned tables, and tables that could become partitions of them.
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'
CREATE TABLE far (id bigint PRIMARY KEY)
INSERT INTO far SELECT generate_series(1, 30)
CREATE TABLE ranged (id bigint, at date NOT NULL) PARTITION BY RANGE (at)
CREATE TABLE ranged_1 PARTITION OF ranged FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')
CREATE TABLE rest (id bigint, at date NOT NULL) PARTITION BY RANGE (at)
CREATE TABLE rest_1 PARTITION OF rest FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')
CREATE TABLE rest_default PARTITION OF rest DEFAULT
CREATE TABLE shut (id bigint, at date NOT NULL) PARTITION BY RANGE (at)
CREATE TABLE shut_1 PARTITION OF shut FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')
CREATE TABLE shut_default PARTITION OF shut DEFAULT
CREATE TABLE listed (id bigint, k text) PARTITION BY LIST (k)
CREATE TABLE listed_a PARTITION OF listed FOR VALUES IN ('a')
CREATE TABLE listed_default PARTITION OF listed DEFAULT
CREATE TABLE hashed (id bigint, k text) PARTITION BY HASH (id)
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 4, REMAINDER 0)
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 4, REMAINDER 1)
CREATE TABLE pairs (a int NOT NULL, b int NOT NULL) PARTITION BY RANGE (a, b)
CREATE TABLE pairs_1 PARTITION OF pairs FOR VALUES FROM (0, 0) TO (10, 10)
CREATE TABLE nested (id bigint, at date NOT NULL, k text) PARTITION BY RANGE (at)
CREATE TABLE nested_1 PARTITION OF nested FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (k)
CREATE TABLE nested_1_a PARTITION OF nested_1 FOR VALUES IN ('a')
CREATE TABLE nested_1_default PARTITION OF nested_1 DEFAULT
CREATE TABLE keyed (id bigint NOT NULL, p bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)
CREATE TABLE keyed_1 PARTITION OF keyed FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')
CREATE INDEX keyed_p ON keyed (p)
ALTER TABLE keyed ADD CONSTRAINT keyed_far FOREIGN KEY (p) REFERENCES far (id)
CREATE TRIGGER noticed AFTER INSERT ON keyed FOR EACH ROW EXECUTE FUNCTION noop()
CREATE TABLE lone (id bigint, at date NOT NULL) PARTITION BY RANGE (at)
CREATE TABLE loose (id bigint, at date NOT NULL)
CREATE TABLE proven (id bigint, at date NOT NULL)
CREATE TABLE unproven (id bigint, at date NOT NULL)
CREATE TABLE nullable (id bigint, at date)
CREATE TABLE wider (id bigint, at date NOT NULL)
CREATE TABLE half (id bigint, at date NOT NULL)
CREATE TABLE loose_k (id bigint, k text)
CREATE TABLE proven_k (id bigint, k text NOT NULL)
CREATE TABLE loose_deep (id bigint, at date NOT NULL, k text)
CREATE TABLE loose_pair (a int NOT NULL, b int NOT NULL)
CREATE TABLE bare (id bigint NOT NULL, p bigint, at date NOT NULL)
CREATE TABLE fitting (id bigint NOT NULL, p bigint, at date NOT NULL, PRIMARY KEY (id, at))
CREATE INDEX fitting_p ON fitting (p)
ALTER TABLE fitting ADD CONSTRAINT fitting_far FOREIGN KEY (p) REFERENCES far (id)
CREATE TABLE parted (id bigint, at date NOT NULL) PARTITION BY RANGE (at)
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2023-02-01') TO ('2023-12-01')
INSERT INTO ranged SELECT n, '2020-06-01' FROM generate_series(1, 30) AS n
INSERT INTO rest SELECT n, '2020-06-01' FROM generate_series(1, 30) AS n
INSERT INTO rest SELECT n, '2030-06-01' FROM generate_series(1, 30) AS n
INSERT INTO shut SELECT n, '2020-06-01' FROM generate_series(1, 30) AS n
INSERT INTO shut SELECT n, '2030-06-01' FROM generate_series(1, 30) AS n
INSERT INTO listed SELECT n, 'a' FROM generate_series(1, 30) AS n
INSERT INTO listed SELECT n, 'z' FROM generate_series(1, 30) AS n
INSERT INTO pairs SELECT 1, n FROM generate_series(1, 30) AS n
INSERT INTO nested SELECT n, '2020-06-01', 'a' FROM generate_series(1, 30) AS n
INSERT INTO nested SELECT n, '2020-06-01', 'z' FROM generate_series(1, 30) AS n
INSERT INTO keyed SELECT n, n, '2020-06-01' FROM generate_series(1, 30) AS n
INSERT INTO loose SELECT n, '2023-06-01' FROM generate_series(1, 30) AS n
INSERT INTO proven SELECT n, '2023-06-01' FROM generate_series(1, 30) AS n
INSERT INTO unproven SELECT n, '2023-06-01' FROM generate_series(1, 30) AS n
INSERT INTO nullable SELECT n, '2023-06-01' FROM generate_series(1, 30) AS n
INSERT INTO wider SELECT n, '2023-06-01' FROM generate_series(1, 30) AS n
INSERT INTO half SELECT n, '2023-06-01' FROM generate_series(1, 30) AS n
INSERT INTO loose_k SELECT n, 'b' FROM generate_series(1, 30) AS n
INSERT INTO proven_k SELECT n, 'b' FROM generate_series(1, 30) AS n
INSERT INTO loose_deep SELECT n, '2020-06-01', 'b' FROM generate_series(1, 30) AS n
INSERT INTO loose_pair SELECT 10, n FROM generate_series(20, 30) AS n
INSERT INTO bare SELECT n, n, '2023-06-01' FROM generate_series(1, 30) AS n
INSERT INTO fitting SELECT n, n, '2023-06-01' FROM generate_series(1, 30) AS n
INSERT INTO parted SELECT n, '2023-06-01' FROM generate_series(1, 30) AS n
ALTER TABLE proven ADD CONSTRAINT proven_bound CHECK (at >= '2023-01-01' AND at < '2024-01-01')
ALTER TABLE unproven ADD CONSTRAINT unproven_bound CHECK (at >= '2023-01-01' AND at < '2024-01-01') NOT VALID
ALTER TABLE nullable ADD CONSTRAINT nullable_bound CHECK (at >= '2023-01-01' AND at < '2024-01-01')
ALTER TABLE wider ADD CONSTRAINT wider_bound CHECK (at >= '2022-01-01' AND at < '2025-01-01')
ALTER TABLE half ADD CONSTRAINT half_bound CHECK (at >= '2023-01-01')
ALTER TABLE proven_k ADD CONSTRAINT proven_k_bound CHECK (k IN ('b', 'c'))
ALTER TABLE shut_default ADD CONSTRAINT shut_default_bound CHECK (NOT (at >= '2023-01-01' AND at < '2024-01-01'))
ANALYZE
