// What is prepared: the newest of each name, and nobody misses one that came late.
#include "worker/shell/prepared_store.h"

#include <doctest/doctest.h>

namespace framebus::worker {
namespace {

Bytes bytes(std::string_view text) {
  return Bytes(text.begin(), text.end());
}

std::vector<std::string> told(const PreparedStore& store, std::uint64_t& stamp) {
  std::vector<std::string> out;
  for (const PreparedStore::Entry& each : store.since(stamp)) {
    out.push_back(each.name + "=" + std::string(text_of(each.payload)));
    stamp = each.stamp;
  }
  return out;
}

using Told = std::vector<std::string>;

TEST_CASE("prepared store: an older revision that arrives behind a newer one changes nothing") {
  PreparedStore store;
  std::uint64_t stamp = 0;
  store.set("scene", 7, bytes("new"));
  CHECK(told(store, stamp) == Told{"scene=new"});
  store.set("scene", 5, bytes("old"));
  CHECK(text_of(*store.get("scene")) == "new");
  CHECK(told(store, stamp).empty());
}

TEST_CASE(
    "prepared store: who was told of a newer name still hears of an older one that took long") {
  PreparedStore store;
  std::uint64_t stamp = 0;
  store.set("quick", 6, bytes("b"));
  CHECK(told(store, stamp) == Told{"quick=b"});
  store.set("slow", 5, bytes("a"));  // began before, was done later
  CHECK(told(store, stamp) == Told{"slow=a"});
  store.set("quick", 8, bytes("c"));
  store.set("slow", 7, bytes("d"));
  CHECK(told(store, stamp) == Told{"quick=c", "slow=d"});
  std::uint64_t of_a_new_process = 0;
  CHECK(told(store, of_a_new_process) == Told{"quick=c", "slow=d"});
}

}  // namespace
}  // namespace framebus::worker
