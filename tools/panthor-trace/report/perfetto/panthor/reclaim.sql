-- SPDX-License-Identifier: GPL-2.0
--
-- Tables of the driver's events in a Perfetto recording. For trace_processor:
--
--	trace_processor_shell --add-sql-package .../perfetto/panthor@panthor reclaim.pftrace
--	INCLUDE PERFETTO MODULE panthor.reclaim;
--
-- Columns have the names of the event fields, as in panthor-trace export. Tables are joined by request_id, and BOs by bo_id and
-- evictions. Sizes are in bytes, times in ns.

-- All events with their keys: each argument is looked up once.
CREATE PERFETTO TABLE _panthor_event(
  -- the event
  name STRING,
  -- when
  ts TIMESTAMP,
  -- thread
  utid JOINID(thread.id),
  -- its fields
  arg_set_id LONG,
  -- request
  request_id LONG,
  -- BO, if it is about one
  bo_id LONG
)
AS
SELECT
  name,
  ts,
  utid,
  arg_set_id,
  extract_arg(arg_set_id, 'id') AS request_id,
  extract_arg(arg_set_id, 'bo_id') AS bo_id
FROM ftrace_event
WHERE name IN (
  'panthor_reclaim_begin', 'panthor_reclaim_end', 'panthor_vm_reclaim_begin', 'panthor_vm_reclaim_end', 'panthor_bo_evict',
  'panthor_bo_evict_skip', 'panthor_bo_writeback', 'panthor_bo_swapin'
);

-- Requests: requester, target, evicted and skipped memory, and the blocked time by cause.
CREATE PERFETTO TABLE panthor_request(
  -- device
  dev STRING,
  -- number of the request
  request_id LONG,
  -- begin
  ts TIMESTAMP,
  -- how long the requester was blocked
  dur DURATION,
  -- thread of the requester
  utid JOINID(thread.id),
  -- sysfs, shrinker, kswapd, debugfs or claim
  source STRING,
  -- process id of the requester
  requester_tgid LONG,
  -- process name of the requester
  requester_comm STRING,
  -- process id of the target
  target_tgid LONG,
  -- process name of the target
  target_comm STRING,
  -- 0 or -errno
  result LONG,
  -- evicted BOs
  evicted_bos LONG,
  -- evicted memory
  evicted LONG,
  -- skipped BOs
  skipped_bos LONG,
  -- skipped memory
  skipped LONG,
  -- written to swap
  written LONG,
  -- RAM freed
  freed LONG,
  -- resident memory of the target at the end
  remaining LONG,
  -- blocked time: fences of jobs
  fence_ns LONG,
  -- locks
  lock_ns LONG,
  -- unmapping
  unmap_ns LONG,
  -- writing to swap
  writeback_ns LONG,
  -- other
  other_ns LONG
)
AS
SELECT
  extract_arg(b.arg_set_id, 'dev') AS dev,
  b.request_id,
  b.ts,
  extract_arg(e.arg_set_id, 'duration_ns') AS dur,
  b.utid,
  CASE extract_arg(b.arg_set_id, 'source')
    WHEN 0 THEN 'sysfs'
    WHEN 1 THEN 'shrinker'
    WHEN 2 THEN 'kswapd'
    WHEN 3 THEN 'debugfs'
    WHEN 4 THEN 'claim'
  END AS source,
  extract_arg(b.arg_set_id, 'requester_tgid') AS requester_tgid,
  extract_arg(b.arg_set_id, 'requester_comm') AS requester_comm,
  extract_arg(b.arg_set_id, 'target_tgid') AS target_tgid,
  extract_arg(b.arg_set_id, 'target_comm') AS target_comm,
  extract_arg(e.arg_set_id, 'result') AS result,
  extract_arg(e.arg_set_id, 'evicted_bos') AS evicted_bos,
  extract_arg(e.arg_set_id, 'evicted') AS evicted,
  extract_arg(e.arg_set_id, 'skipped_bos') AS skipped_bos,
  extract_arg(e.arg_set_id, 'skipped') AS skipped,
  extract_arg(e.arg_set_id, 'written') AS written,
  extract_arg(e.arg_set_id, 'freed') AS freed,
  extract_arg(e.arg_set_id, 'remaining') AS remaining,
  extract_arg(e.arg_set_id, 'fence_ns') AS fence_ns,
  extract_arg(e.arg_set_id, 'lock_ns') AS lock_ns,
  extract_arg(e.arg_set_id, 'unmap_ns') AS unmap_ns,
  extract_arg(e.arg_set_id, 'writeback_ns') AS writeback_ns,
  extract_arg(e.arg_set_id, 'duration_ns') - extract_arg(e.arg_set_id, 'fence_ns') - extract_arg(e.arg_set_id, 'lock_ns')
    - extract_arg(e.arg_set_id, 'unmap_ns') - extract_arg(e.arg_set_id, 'writeback_ns') AS other_ns
FROM _panthor_event AS b
JOIN _panthor_event AS e
  ON e.name = 'panthor_reclaim_end' AND e.request_id = b.request_id
WHERE b.name = 'panthor_reclaim_begin';

-- What a request did to one VM; vm_id 0: BOs in no VM.
CREATE PERFETTO TABLE panthor_vm(
  -- request
  request_id LONG,
  -- when work on the VM ended
  ts TIMESTAMP,
  -- open file that the VM belongs to: drm-client-id of fdinfo
  client_id LONG,
  -- process of that
  tgid LONG,
  -- the VM
  vm_id LONG,
  -- evicted BOs
  evicted_bos LONG,
  -- evicted memory
  evicted LONG,
  -- skipped BOs
  skipped_bos LONG,
  -- skipped memory
  skipped LONG,
  -- why the whole VM was skipped
  reason STRING,
  -- time spent on the VM
  duration_ns LONG,
  -- waiting for fences of jobs
  fence_ns LONG,
  -- waiting for locks
  lock_ns LONG,
  -- unmapping
  unmap_ns LONG
)
AS
SELECT
  request_id,
  ts,
  extract_arg(arg_set_id, 'client_id') AS client_id,
  extract_arg(arg_set_id, 'tgid') AS tgid,
  extract_arg(arg_set_id, 'vm_id') AS vm_id,
  extract_arg(arg_set_id, 'evicted_bos') AS evicted_bos,
  extract_arg(arg_set_id, 'evicted') AS evicted,
  extract_arg(arg_set_id, 'skipped_bos') AS skipped_bos,
  extract_arg(arg_set_id, 'skipped') AS skipped,
  CASE extract_arg(arg_set_id, 'reason')
    WHEN 0 THEN 'none'
    WHEN 1 THEN 'busy'
    WHEN 2 THEN 'locked'
    WHEN 3 THEN 'changed'
    WHEN 4 THEN 'mmu-error'
    WHEN 5 THEN 'pinned'
    WHEN 6 THEN 'shared'
    WHEN 7 THEN 'no-swap'
    WHEN 8 THEN 'interrupted'
    WHEN 9 THEN 'no-memory'
  END AS reason,
  extract_arg(arg_set_id, 'duration_ns') AS duration_ns,
  extract_arg(arg_set_id, 'fence_ns') AS fence_ns,
  extract_arg(arg_set_id, 'lock_ns') AS lock_ns,
  extract_arg(arg_set_id, 'unmap_ns') AS unmap_ns
FROM _panthor_event
WHERE name = 'panthor_vm_reclaim_end';

-- BOs that a request evicted or skipped (reason).
CREATE PERFETTO TABLE panthor_bo(
  -- request
  request_id LONG,
  -- when
  ts TIMESTAMP,
  -- evicted or skipped
  what STRING,
  -- the BO
  bo_id LONG,
  -- its label
  label STRING,
  -- its size
  size LONG,
  -- open file that it belongs to
  client_id LONG,
  -- process of that
  tgid LONG,
  -- VM that it is mapped in
  vm_id LONG,
  -- its reclaim state
  state STRING,
  -- why it was skipped
  reason STRING,
  -- time spent on it
  duration_ns LONG,
  -- evictions of the BO, including this one
  evictions LONG
)
AS
SELECT
  request_id,
  ts,
  iif(name = 'panthor_bo_evict', 'evicted', 'skipped') AS what,
  bo_id,
  extract_arg(arg_set_id, 'label') AS label,
  extract_arg(arg_set_id, 'size_kib') * 1024 AS size,
  extract_arg(arg_set_id, 'client_id') AS client_id,
  extract_arg(arg_set_id, 'tgid') AS tgid,
  extract_arg(arg_set_id, 'vm_id') AS vm_id,
  CASE extract_arg(arg_set_id, 'state')
    WHEN 0 THEN 'unused'
    WHEN 1 THEN 'mmapped'
    WHEN 2 THEN 'private'
    WHEN 3 THEN 'multi-vm'
    WHEN 4 THEN 'unreclaimable'
  END AS state,
  CASE iif(name = 'panthor_bo_evict_skip', extract_arg(arg_set_id, 'reason'), NULL)
    WHEN 0 THEN 'none'
    WHEN 1 THEN 'busy'
    WHEN 2 THEN 'locked'
    WHEN 3 THEN 'changed'
    WHEN 4 THEN 'mmu-error'
    WHEN 5 THEN 'pinned'
    WHEN 6 THEN 'shared'
    WHEN 7 THEN 'no-swap'
    WHEN 8 THEN 'interrupted'
    WHEN 9 THEN 'no-memory'
  END AS reason,
  extract_arg(arg_set_id, 'duration_ns') AS duration_ns,
  extract_arg(arg_set_id, 'evictions') AS evictions
FROM _panthor_event
WHERE name IN ('panthor_bo_evict', 'panthor_bo_evict_skip');

-- BOs that were written to swap.
CREATE PERFETTO TABLE panthor_writeback(
  -- request
  request_id LONG,
  -- the BO
  bo_id LONG,
  -- when writing ended
  ts TIMESTAMP,
  -- written
  written LONG,
  -- RAM freed
  freed LONG,
  -- time it took
  duration_ns LONG
)
AS
SELECT
  request_id,
  bo_id,
  ts,
  extract_arg(arg_set_id, 'written_kib') * 1024 AS written,
  extract_arg(arg_set_id, 'freed_kib') * 1024 AS freed,
  extract_arg(arg_set_id, 'duration_ns') AS duration_ns
FROM _panthor_event
WHERE name = 'panthor_bo_writeback';

-- Swap-ins of evicted BOs: which thread stalled, and for how long.
CREATE PERFETTO TABLE panthor_swapin(
  -- request that evicted it
  request_id LONG,
  -- when the swap-in ended
  ts TIMESTAMP,
  -- thread that stalled
  utid JOINID(thread.id),
  -- the BO
  bo_id LONG,
  -- its label
  label STRING,
  -- its size
  size LONG,
  -- open file that it belongs to
  client_id LONG,
  -- process of that
  tgid LONG,
  -- 0 or -errno
  result LONG,
  -- time from the eviction to the swap-in
  evicted_ns LONG,
  -- time that the swap-in took
  duration_ns LONG,
  -- evictions of the BO so far
  evictions LONG,
  -- when it was evicted, if the recording has that
  evict_ts TIMESTAMP
)
AS
SELECT
  s.request_id,
  s.ts,
  s.utid,
  s.bo_id,
  extract_arg(s.arg_set_id, 'label') AS label,
  extract_arg(s.arg_set_id, 'size_kib') * 1024 AS size,
  extract_arg(s.arg_set_id, 'client_id') AS client_id,
  extract_arg(s.arg_set_id, 'tgid') AS tgid,
  extract_arg(s.arg_set_id, 'result') AS result,
  extract_arg(s.arg_set_id, 'evicted_ns') AS evicted_ns,
  extract_arg(s.arg_set_id, 'duration_ns') AS duration_ns,
  extract_arg(s.arg_set_id, 'evictions') AS evictions,
  e.ts AS evict_ts
FROM _panthor_event AS s
LEFT JOIN _panthor_event AS e
  ON e.name = 'panthor_bo_evict' AND e.request_id = s.request_id AND e.bo_id = s.bo_id
WHERE s.name = 'panthor_bo_swapin';
