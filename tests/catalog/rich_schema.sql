CREATE SCHEMA app;
CREATE SCHEMA "Odd Name";
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'it''s "fine"');
CREATE DOMAIN app.email AS text CHECK (VALUE ~~ '%@%'::text);
CREATE DOMAIN app.label AS character varying(20) DEFAULT 'x'::character varying;
CREATE DOMAIN app.must AS app.email NOT NULL;
CREATE OR REPLACE FUNCTION app.now_utc()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$SELECT now()$function$
;
CREATE OR REPLACE FUNCTION app.noise(a integer, VARIADIC b text[])
 RETURNS TABLE(x integer, y text)
 LANGUAGE plpgsql
AS $function$BEGIN RETURN; END$function$
;
CREATE OR REPLACE FUNCTION app.plus(integer, integer DEFAULT 1)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$SELECT $1 + $2$function$
;
CREATE OR REPLACE FUNCTION app.plus(numeric)
 RETURNS integer
 LANGUAGE sql
RETURN 1
;
CREATE OR REPLACE PROCEDURE app.tidy(INOUT a integer)
 LANGUAGE plpgsql
AS $procedure$BEGIN
  a := 1;
END$procedure$
;
CREATE FUNCTION app.raw(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE SEQUENCE app.numbers;
CREATE TABLE app.cook (
    id bigint GENERATED ALWAYS AS IDENTITY,
    nick serial,
    name character varying(80) COLLATE "C" NOT NULL,
    mail app.email DEFAULT 'a@b'::text,
    mood app.mood DEFAULT 'ok'::app.mood NOT NULL,
    tags text[] DEFAULT '{}'::text[],
    born date,
    seen timestamp(3) with time zone DEFAULT now(),
    pause interval(3),
    bits bit varying(7),
    pay numeric(10,2),
    twice numeric GENERATED ALWAYS AS ((pay * (2)::numeric)) STORED,
    CONSTRAINT cook_pkey PRIMARY KEY (id),
    CONSTRAINT cook_name_key UNIQUE (name) INCLUDE (born),
    CONSTRAINT cook_pay CHECK (pay > (0)::numeric)
);
CREATE TABLE "Odd Name"."Order" (
    "Key" integer DEFAULT 1 NOT NULL,
    "select" smallserial,
    during tstzrange,
    PRIMARY KEY ("Key", "select"),
    CONSTRAINT apart EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE app.recipe (
    id integer NOT NULL PRIMARY KEY,
    cook bigint REFERENCES app.cook(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    "Key" integer, "select" smallint,
    title text,
    parent integer,
    FOREIGN KEY ("Key", "select") REFERENCES "Odd Name"."Order"("Key", "select")
);
ALTER TABLE app.recipe ADD CONSTRAINT later CHECK (title IS NOT NULL) NOT VALID;
ALTER TABLE app.recipe ADD CONSTRAINT recipe_parent FOREIGN KEY (parent) REFERENCES app.recipe(id) NOT VALID;
CREATE INDEX recipe_title ON app.recipe USING btree (lower(title) DESC, cook) INCLUDE (parent) WHERE (title IS NOT NULL);
CREATE INDEX recipe_gin ON app.cook USING gin (tags);
CREATE TABLE app.event (id bigint NOT NULL, at timestamp with time zone NOT NULL, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE INDEX event_note ON app.event USING btree (note);
CREATE TABLE app.event_1 PARTITION OF app.event FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
CREATE TABLE app.event_rest PARTITION OF app.event DEFAULT PARTITION BY LIST (id);
CREATE TABLE app.event_rest_x PARTITION OF app.event_rest FOR VALUES IN (1, 2);
CREATE TABLE app.hashed (a integer, b text) PARTITION BY HASH (a, lower(b));
CREATE TABLE app.hashed_0 (a integer, b text);
ALTER TABLE app.hashed ATTACH PARTITION app.hashed_0 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.old (a integer, b text NOT NULL);
CREATE TABLE app.young (c integer) INHERITS (app.old);
CREATE VIEW app.titles AS SELECT recipe.title, cook.name FROM app.recipe JOIN app.cook ON cook.id = recipe.cook;
CREATE VIEW app.titles_2 AS WITH x AS (SELECT titles.title FROM app.titles) SELECT x.title FROM x;
CREATE MATERIALIZED VIEW app.counts AS SELECT recipe.cook, count(*) AS n FROM app.recipe GROUP BY recipe.cook;
CREATE UNIQUE INDEX counts_cook ON app.counts USING btree (cook);
CREATE UNLOGGED TABLE plain (id integer);
CREATE TEMPORARY TABLE gone (id integer);
CREATE STATISTICS app.recipe_stat (dependencies) ON cook, parent FROM app.recipe;
ALTER TABLE app.recipe ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.recipe USING (cook = 1);
CREATE INDEX recipe_c ON app.recipe USING btree (title COLLATE "C");
