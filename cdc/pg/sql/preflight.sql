-- What a PostgreSQL server must be able to do. One row a finding: what is wrong, the command that fixes it.
-- $1 slot name. Rights: none. PostgreSQL 14+.
select 'wal_level is ' || current_setting('wal_level') || ', not logical',
       'ALTER SYSTEM SET wal_level = logical; (and restart)'
 where current_setting('wal_level') <> 'logical'
union all
select 'fewer than 2 of the ' || current_setting('max_replication_slots') || ' replication slots (max_replication_slots) are free',
       'ALTER SYSTEM SET max_replication_slots = ' || 4 + current_setting('max_replication_slots')::int || '; (and restart)'
 where not exists (select 1 from pg_replication_slots where slot_name = ?)
   and (select count(*) from pg_replication_slots) + 2 > current_setting('max_replication_slots')::int
union all
select 'max_slot_wal_keep_size is ' || current_setting('max_slot_wal_keep_size') || ', less than 64MB: the server may remove log that the stream''s slot still needs',
       'ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf();'
 where pg_size_bytes(case current_setting('max_slot_wal_keep_size') when '-1' then '1TB'
                     else current_setting('max_slot_wal_keep_size') end) < 67108864
