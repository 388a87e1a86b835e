// `framebus-broker journal verify|show|repair`: what people do with a journal while no broker runs.
//
// verify and show only read. repair is the one place that gives acknowledged records up: it says
// which, and keeps a copy of every file it replaces. The caller holds the data directory's lock.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "libmsg/base/result.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker::journal {

// Takes one line of text, without its end.
using LineSink = std::function<void(const std::string& line)>;

// Reads everything, every record included, and prints what there is. data_loss: it is damaged (the
// lines say how); other errors as Journal::replay().
Status verify_journal(Disk& disk, const std::filesystem::path& directory, const LineSink& print);

// One line for each record from `first_lsn` to `last_lsn`: number, time, record.
Status show_journal(Disk& disk, const std::filesystem::path& directory, std::uint64_t first_lsn,
                    std::uint64_t last_lsn, const LineSink& print);

enum class RepairMode : std::uint8_t {
  only_tell,  // prints what would be lost, changes nothing
  repair,
};
// Copies every file of the journal to FILE.damaged, writes one snapshot of what is readable and
// still consistent, removes the originals, and prints which records and jobs are lost. A job that
// existed before a gap keeps its records up to the gap only: what the gap did to it is not known.
// failed_precondition: the journal is not damaged. resource_exhausted: no room for the copies.
Status repair_journal(Disk& disk, const std::filesystem::path& directory, RepairMode mode,
                      const LineSink& print);

}  // namespace framebus::broker::journal
