-- R011 warning types verify
-- A column holds a time of day without saying where: timestamp, or time with an offset and no date.
-- fix: make it a timestamptz, which is a point in time whatever the session's time zone is
SELECT col.name, col.type, '', NULL::text
FROM col WHERE col.atttypid IN ('timestamp'::regtype, 'timetz'::regtype)
