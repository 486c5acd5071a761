-- What there is before a form runs, a statement a line; {table} is the table of one kind or another.
-- A mark at the end of a line says from which major on it holds, and for which kinds it does not.
CREATE TYPE mood AS ENUM ('sad', 'happy')
CREATE DOMAIN positive AS int CHECK (VALUE > 0)
CREATE DOMAIN anything AS int
CREATE DOMAIN required AS int NOT NULL
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'
CREATE FUNCTION own_volatile() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END'
CREATE FUNCTION own_stable() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 1; END'
CREATE SCHEMA app
CREATE SCHEMA other
CREATE SEQUENCE numbers
CREATE TABLE far (id bigint PRIMARY KEY, code text UNIQUE)
INSERT INTO far SELECT n, n::text FROM generate_series(1, 30) AS n
CREATE TABLE far_parts (id bigint PRIMARY KEY) PARTITION BY RANGE (id)
CREATE TABLE far_parts_1 PARTITION OF far_parts FOR VALUES FROM (0) TO (20)
CREATE TABLE far_parts_2 PARTITION OF far_parts FOR VALUES FROM (20) TO (40)
CREATE TABLE far_parts_3 PARTITION OF far_parts FOR VALUES FROM (40) TO (50)
INSERT INTO far_parts SELECT n FROM generate_series(1, 30) AS n
ANALYZE
