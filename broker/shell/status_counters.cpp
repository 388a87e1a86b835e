// See status_counters.h.
#include "broker/shell/status_counters.h"

namespace framebus::broker {

void StatusCounters::add_to(BrokerStatus& status) const {
  const auto add = [&status](const char* name, std::uint64_t value) {
    status.counters.push_back({name, value});
  };
  add("loop.turns", sources_.loop.turns);
  add("loop.stalls", sources_.loop.stalls);
  add("loop.pauses", sources_.loop.pauses);
  add("loop.paused_ms", sources_.loop.paused_ms);
  add("sessions.open", sources_.sessions.size());

  const IntakeCounters& intake = sources_.intake.counters();
  add("intake.received", intake.received);
  add("intake.malformed", intake.malformed);
  add("intake.damaged", intake.damaged);
  add("intake.refused", intake.refused);
  const ResultCounters& results = sources_.intake.result_counters();
  add("intake.results_without_blob", results.without_blob);
  add("intake.results_put_off", results.put_off);
  const Refusals& inputs = sources_.intake.input_refusals();
  add("intake.refused_input_lookups", inputs.of(Bound::input_lookups));
  add("intake.refused_input_lookup_bytes", inputs.of(Bound::input_lookup_bytes));
  const Refusals& lookups = sources_.intake.result_refusals();
  add("intake.refused_result_lookups", lookups.of(Bound::result_lookups));
  add("intake.refused_result_lookup_bytes", lookups.of(Bound::result_lookup_bytes));

  const DeliveryCounters& delivery = sources_.delivery.counters();
  add("delivery.made", delivery.made);
  add("delivery.handed_over", delivery.handed_over);
  add("delivery.refused", delivery.refused);
  add("delivery.outstanding", delivery.outstanding);
  add("delivery.dropped_with_session", delivery.dropped_with_session);
  add("delivery.slow_consumers", delivery.slow_consumers);
  add("delivery.too_large", delivery.too_large);

  const CommitCounters& commit = sources_.pipeline.counters();
  add("commit.batches", commit.batches);
  add("commit.turned_away", commit.turned_away);
  add("commit.taken", commit.taken);
  add("commit.released", commit.released);
  add("commit.waiting", sources_.pipeline.waiting_count());
  add("commit.durable_lsn", sources_.pipeline.durable_lsn());

  const StoreStats store = sources_.store.stats();
  add("store.records", store.records);
  add("store.bytes", store.bytes);
  add("store.syncs", store.syncs);
  add("store.sync_us_max", store.sync_us_max);
  add("store.sync_us_total", store.sync_us_total);
  add("store.backlog_bytes", store.backlog_bytes);
  add("store.disk_bytes", store.disk_bytes);
  add("store.dead_bytes", store.dead_bytes);
  add("store.reserved_bytes", store.reserved_bytes);
  add("store.compactions", store.compactions);
  add("store.failed_compactions", store.failed_compactions);
  add("store.dropped_tail_records", store.dropped_tail_records);
  add("recovery.records", sources_.recovery.records);
  add("recovery.ms", static_cast<std::uint64_t>(sources_.recovery.took_ms));
  add("disk.free_bytes", sources_.disk.free_bytes());
  add("disk.reserve_bytes", sources_.disk.reserve_bytes());

  const LogCounters logs = sources_.logs.counters();
  add("logs.appended_bytes", logs.appended_bytes);
  add("logs.dropped_chunks", logs.dropped_chunks);
  add("logs.dropped_for_reserve_bytes", logs.dropped_for_reserve_bytes);
  add("logs.refused_for_queue", logs.refused_for_queue);
  add("logs.jobs_removed", logs.jobs_removed);
  add("logs.bytes", logs.bytes);
  if (sources_.archivist) add("archive.refused_requests", sources_.archivist->refused());
  if (!sources_.collector) return;
  const BlobCollectorCounters blobs = sources_.collector->counters();
  add("blobs.offered", blobs.offered);
  add("blobs.removed", blobs.removed);
  add("blobs.removed_bytes", blobs.removed_bytes);
  add("blobs.failed", blobs.failed);
}

}  // namespace framebus::broker
