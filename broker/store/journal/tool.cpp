// verify and show of tool.h; repair is in repair.cpp.
#include "broker/store/journal/tool.h"

#include <ctime>

#include "broker/store/journal/format.h"
#include "broker/store/journal/read_journal.h"
#include "broker/store/record_codec.h"

namespace framebus::broker::journal {
namespace {

std::string describe(const FileFacts& file) {
  std::string line = file.name + ": ";
  if (file.records == 0) {
    line += "no records";
  } else {
    line += std::to_string(file.records) + " records, " + std::to_string(file.first_lsn) + " to " +
            std::to_string(file.last_lsn);
  }
  return line + ", " + std::to_string(file.batches) + " batches, " + std::to_string(file.end) +
         " of " + std::to_string(file.bytes) + " bytes";
}

std::string describe(const BadPlace& bad) {
  return bad.file + " at offset " + std::to_string(bad.offset) + ": " + bad.why;
}

// "2026-11-20T13:05:07.123Z": the broker's time is that of the wall clock.
std::string time_text(std::int64_t at_ns) {
  const std::int64_t ms = at_ns / 1'000'000;
  const std::time_t seconds = static_cast<std::time_t>(ms / 1'000);
  std::tm parts{};
  char text[40];
  if (gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
    return std::to_string(at_ns) + " ns";
  }
  const std::string fraction = std::to_string(1'000 + ms % 1'000).substr(1);
  return std::string(text) + "." + fraction + "Z";
}

}  // namespace

Status verify_journal(Disk& disk, const std::filesystem::path& directory, const LineSink& print) {
  std::uint64_t records = 0;
  const auto check = [&](const RawRecord& raw) -> Status {
    const auto record = decode_record(raw.number, raw.payload);
    if (!record) return fail(record.error().context("record " + std::to_string(raw.lsn)));
    ++records;
    return {};
  };
  const auto facts = read_journal(disk, directory, check);
  if (!facts) {
    print(facts.error().message);
    return fail(facts.error());
  }
  print("journal " + directory.string() + ", format " + std::to_string(format_version));
  if (facts->snapshot) print(describe(*facts->snapshot));
  for (const FileFacts& segment : facts->segments) print(describe(segment));
  print(std::to_string(records) + " records that count, the last is " +
        std::to_string(facts->last_lsn()) + "; known to be synced up to " +
        std::to_string(facts->durable_upto) + (facts->is_sealed ? ", sealed" : ", not sealed") +
        "; " + std::to_string(facts->spares.size()) + " segments prepared");
  if (facts->is_damaged) {
    const Error damage = damage_error(directory, *facts);
    print(damage.message);
    return fail(damage);
  }
  if (facts->bad) {
    print("an unsynced tail of " + std::to_string(facts->dropped_records) +
          " readable records will be cut off (never acknowledged): " + describe(*facts->bad));
  }
  print("sound");
  return {};
}

Status show_journal(Disk& disk, const std::filesystem::path& directory, std::uint64_t first_lsn,
                    std::uint64_t last_lsn, const LineSink& print) {
  const auto show = [&](const RawRecord& raw) -> Status {
    if (raw.lsn < first_lsn || raw.lsn > last_lsn) return {};
    const auto record = decode_record(raw.number, raw.payload);
    print(std::to_string(raw.lsn) + " " + time_text(raw.at_ns) + " " +
          (record ? to_string(*record) : record_name(raw.number) + "?"));
    return {};
  };
  FRAMEBUS_ASSIGN(const JournalFacts facts, read_journal(disk, directory, show));
  if (facts.is_damaged) return fail(damage_error(directory, facts));
  return {};
}

}  // namespace framebus::broker::journal
