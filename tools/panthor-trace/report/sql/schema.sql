-- SPDX-License-Identifier: GPL-2.0
--
-- Indexes and views of export -F sqlite. format_sqlite.c creates the tables. This script is run each
-- time that traces are added, so that a database has the views of the newest program that wrote to it.
--
-- Changing the meaning of a view or removing a column needs a new DATABASE_VERSION.

CREATE INDEX IF NOT EXISTS requests_by_time ON requests (trace, time_ns);
CREATE INDEX IF NOT EXISTS requests_by_target ON requests (target_comm);
CREATE INDEX IF NOT EXISTS vms_by_request ON vms (request);
CREATE INDEX IF NOT EXISTS bos_by_request ON bos (request);
CREATE INDEX IF NOT EXISTS writebacks_by_request ON writebacks (request);
CREATE INDEX IF NOT EXISTS swapins_by_request ON swapins (request);
CREATE INDEX IF NOT EXISTS swapins_by_thread ON swapins (trace, pid, time_ns);

-- Each request and its outcome: how much of the evicted memory was swapped in, and how much of it
-- within a second (premature). Shares are in percent.
DROP VIEW IF EXISTS outcomes;
CREATE VIEW outcomes AS
WITH swapped AS (
	SELECT request, count(*) AS bos, sum(size) AS bytes, min(evicted_ns) AS shortest_ns,
	       sum(duration_ns) AS swapin_ns,
	       CASE WHEN count(*) = count(evicted_ns)
		    THEN sum(CASE WHEN evicted_ns <= 1000000000 THEN size ELSE 0 END) END AS premature
	FROM swapins
	WHERE request IS NOT NULL AND coalesce(result, 'ok') = 'ok'
	GROUP BY request
)
SELECT r.request, r.trace, r.id, r.time_ns, r.source, r.requester_comm, r.requester_tgid,
       r.target_comm, r.target_tgid, r.evicted_bos, r.evicted, r.written, r.freed, r.duration_ns,
       coalesce(b.bos, 0) AS swapped_in_bos, coalesce(b.bytes, 0) AS swapped_in,
       CASE WHEN b.bos IS NULL THEN 0 ELSE b.premature END AS premature, b.shortest_ns,
       coalesce(b.swapin_ns, 0) AS swapin_ns,
       round(100.0 * r.freed / nullif(r.evicted, 0), 1) AS freed_pct,
       r.duration_ns * 1048576 / nullif(r.evicted, 0) AS ns_per_mib,
       round(100.0 * CASE WHEN b.bos IS NULL THEN 0 ELSE b.premature END / nullif(r.evicted, 0), 1)
       AS premature_pct
FROM requests r LEFT JOIN swapped b USING (request);

-- The same for each target, in all traces
DROP VIEW IF EXISTS targets;
CREATE VIEW targets AS
SELECT target_comm, count(*) AS requests, count(DISTINCT trace) AS traces,
       sum(evicted) AS evicted, sum(written) AS written, sum(freed) AS freed,
       sum(duration_ns) AS duration_ns, sum(swapped_in) AS swapped_in,
       sum(premature) AS premature, sum(swapin_ns) AS swapin_ns,
       round(100.0 * sum(freed) / nullif(sum(evicted), 0), 1) AS freed_pct,
       sum(duration_ns) * 1048576 / nullif(sum(evicted), 0) AS ns_per_mib,
       round(100.0 * sum(premature) / nullif(sum(evicted), 0), 1) AS premature_pct
FROM outcomes
GROUP BY target_comm;

-- Skipped BOs by reason and label
DROP VIEW IF EXISTS skipped;
CREATE VIEW skipped AS
SELECT b.reason, b.label, count(*) AS bos, sum(b.size) AS size, count(DISTINCT b.request) AS requests
FROM bos b
WHERE b.what = 'skipped'
GROUP BY b.reason, b.label;

-- Stalls: swap-ins of one thread with gaps of at most 16 ms between the end of one and the begin of
-- the next, and the request that evicted most of the memory.
DROP VIEW IF EXISTS stalls;
CREATE VIEW stalls AS
WITH spans AS (
	SELECT *, coalesce(time_ns - coalesce(duration_ns, 0)
	                   - lag(time_ns) OVER (PARTITION BY trace, pid ORDER BY time_ns, bo_id)
	                   > 16000000, 1) AS first
	FROM swapins
	-- Timestamps of a clock that does not count seconds cannot be compared with durations.
	WHERE pid IS NOT NULL AND trace IN (SELECT trace FROM traces WHERE seconds)
), numbered AS (
	SELECT *, sum(first) OVER (PARTITION BY trace, pid ORDER BY time_ns, bo_id
	                           ROWS UNBOUNDED PRECEDING) AS stall
	FROM spans
), parts AS (
	SELECT trace, pid, stall, id, request, tgid, comm,
	       min(time_ns - coalesce(duration_ns, 0)) AS begin_ns, max(time_ns) AS end_ns,
	       sum(duration_ns) AS stalled_ns, min(evicted_ns) AS evicted_ns, count(*) AS bos,
	       sum(CASE WHEN coalesce(result, 'ok') = 'ok' THEN size ELSE 0 END) AS bytes
	FROM numbered
	GROUP BY trace, pid, stall, id
), whole AS (
	-- max() selects the row for the columns without an aggregate.
	SELECT trace, pid, tgid, comm, min(begin_ns) AS time_ns, max(end_ns) AS end_ns,
	       sum(stalled_ns) AS stalled_ns, sum(bos) AS swapped_in_bos, sum(bytes) AS swapped_in,
	       count(*) AS requests, max(bytes) AS most, id, request, evicted_ns
	FROM parts
	GROUP BY trace, pid, stall
)
SELECT w.trace, w.time_ns, w.end_ns, w.tgid,
       CASE WHEN r.target_tgid = w.tgid THEN r.target_comm END AS target_comm, w.pid, w.comm,
       w.stalled_ns, w.swapped_in_bos, w.swapped_in, w.id, w.request, w.requests, r.source,
       r.requester_comm, r.requester_tgid, w.evicted_ns,
       CASE WHEN w.time_ns > 1000000000000000000
            THEN strftime('%Y-%m-%dT%H:%M:%f', w.time_ns / 1e9, 'unixepoch') END AS wall
FROM whole w LEFT JOIN requests r USING (request);
