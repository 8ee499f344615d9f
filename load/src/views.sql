-- Views of the lake at /data/it's [a] lake, as of manifest 42. They follow new commits; make them anew for new columns.
-- To stay with one commit: SET VARIABLE lake_commit = 42;

CREATE OR REPLACE VIEW lake_files AS
WITH newest AS (
  SELECT unnest(arg_max(tables, number)) AS t
  FROM read_json('/data/it''s [[]a] lake/_runs/[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9].json', format = 'auto', maximum_object_size = 67108864, columns = {number: 'BIGINT', tables: 'STRUCT(kind VARCHAR, name VARCHAR, "from" VARCHAR, "to" VARCHAR, files STRUCT(path VARCHAR, rows BIGINT, bytes BIGINT, date DATE)[])[]'})
  WHERE number <= coalesce(getvariable('lake_commit')::BIGINT, 9223372036854775807)
), files AS (
  SELECT t.kind AS kind, t.name AS name, t."from" AS from_label, t."to" AS to_label, unnest(t.files) AS file FROM newest
)
SELECT kind, name, from_label, to_label, '/data/it''s [a] lake/' || file.path AS path, file.rows AS rows, file.bytes AS bytes, file.date AS date FROM files;

CREATE OR REPLACE VIEW "workos_directory_group" AS
WITH live AS MATERIALIZED (SELECT path, from_label, to_label FROM lake_files WHERE kind = 'node' AND name = 'WorkOSDirectoryGroup')
SELECT f."id", f."idp_id", f."name", f."directory_id", f."organization_id", f."raw_attributes", f."created_at", f."updated_at", f."extra", f."labels", f."firstseen", f."lastupdated"
FROM read_parquet('/data/it''s [[]a] lake/nodes/label=WorkOSDirectoryGroup/*/*.parquet', union_by_name = true, filename = true, hive_partitioning = false) AS f
JOIN live ON f.filename = live.path;

CREATE OR REPLACE VIEW "has" AS
WITH live AS MATERIALIZED (SELECT path, from_label, to_label FROM lake_files WHERE kind = 'edge' AND name = 'HAS')
SELECT f."source_id", f."target_id", f."firstseen", f."lastupdated", live.from_label, live.to_label
FROM read_parquet('/data/it''s [[]a] lake/edges/type=HAS/*/*/*/*.parquet', union_by_name = true, filename = true, hive_partitioning = false) AS f
JOIN live ON f.filename = live.path;
