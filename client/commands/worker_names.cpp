#include "client/commands/worker_names.h"

#include <algorithm>

#include "libmsg/base/config.h"

namespace framebus::client {
namespace {

constexpr std::size_t listed_max = 5;

bool is_hex(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

template <class F>
std::vector<const WorkerSummary*> matching(const std::vector<WorkerSummary>& workers,
                                           F&& is_meant) {
  std::vector<const WorkerSummary*> out;
  for (const WorkerSummary& worker : workers)
    if (is_meant(worker)) out.push_back(&worker);
  return out;
}

Error ambiguous(std::string_view wanted, const std::vector<const WorkerSummary*>& meant) {
  std::string text = "\"" + std::string(wanted) + "\" may be";
  for (std::size_t i = 0; i < std::min(meant.size(), listed_max); ++i) {
    text += (i == 0 ? " " : ", ") + name_of(*meant[i]) + " (" +
            to_string(meant[i]->info.id).substr(0, 8) + ")";
  }
  if (meant.size() > listed_max)
    text += " and " + std::to_string(meant.size() - listed_max) + " more";
  return {Code::invalid_argument, text + ": write host:pid or more of the id"};
}

Error unknown(const std::vector<WorkerSummary>& workers, std::string_view wanted) {
  std::vector<std::string> names;
  for (const WorkerSummary& worker : workers) {
    names.push_back(name_of(worker));
    names.push_back(worker.info.host);
  }
  const std::string nearest = nearest_name(wanted, names);
  std::string text = "no worker is called \"" + std::string(wanted.substr(0, 80)) + "\"";
  if (!nearest.empty()) {
    text += "; did you mean " + nearest + "?";
  } else {
    text += workers.empty() ? "; none is connected" : " (framebus workers lists them)";
  }
  return {Code::not_found, text};
}

}  // namespace

std::string name_of(const WorkerSummary& worker) {
  return worker.info.host + ":" + std::to_string(worker.info.pid);
}

Result<WorkerSummary> find_worker(const std::vector<WorkerSummary>& workers,
                                  std::string_view wanted) {
  const std::string id = lower(wanted);
  // From the most to the least exact: a host may well be called "cafe".
  auto meant = matching(workers, [&](const auto& w) { return name_of(w) == wanted; });
  if (meant.empty())
    meant = matching(workers, [&](const auto& w) { return w.info.host == wanted; });
  if (meant.empty() && is_hex(id))
    meant = matching(workers, [&](const auto& w) { return to_string(w.info.id).starts_with(id); });
  if (meant.size() == 1) return *meant.front();
  return framebus::fail(meant.empty() ? unknown(workers, wanted) : ambiguous(wanted, meant));
}

}  // namespace framebus::client
