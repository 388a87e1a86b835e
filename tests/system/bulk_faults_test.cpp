// Blobs of some mebibytes to and from a broker over a line that is cut, flips bits, or crawls: what
// arrives is right, everything else is an error after which a repeat is right.
#include <doctest/doctest.h>

#include <fstream>
#include <future>
#include <iterator>

#include "libmsg/base/limits.h"
#include "libmsg/blob/blob_client.h"
#include "tests/full_run.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/system/farm.h"
#include "tests/system/fault_proxy.h"

namespace framebus::test {
namespace {

constexpr int tries_max = 60;

struct Line {
  Farm farm{{}, Farm::Sockets::tcp, Farm::Keeps::journal};
  FaultProxy proxy{farm.bulk_endpoint()};
  std::shared_ptr<Context> context = make_context();
  std::unique_ptr<BlobClient> faulty = make_blob_client(context, proxy.url(), seconds(2));
  std::unique_ptr<BlobClient> direct = make_blob_client(context, farm.bulk_endpoint());
  ScratchDirectory directory;
  std::unique_ptr<BlobStore> cache = open_blob_store(directory / "cache", false).value();
  int tries = 0;
  int failed = 0;

  // Repeats `transfer` until it succeeds; `disturb` runs again and again while it lasts.
  template <class Transfer, class Disturb>
  auto repeat(const Transfer& transfer, const Disturb& disturb) {
    for (int i = 0; i < tries_max; ++i) {
      auto outcome = std::async(std::launch::async, transfer);
      const TimePoint begin = now_monotonic();
      while (outcome.wait_for(milliseconds(5)) != std::future_status::ready) {
        disturb();
        REQUIRE(now_monotonic() - begin < seconds(60));  // a transfer always comes to an end
      }
      auto result = outcome.get();
      ++tries;
      if (result) return std::move(*result);
      ++failed;
    }
    FAIL("not once in " << tries_max << " tries");
    std::abort();
  }

  template <class Disturb>
  void carry(std::size_t size, const Disturb& disturb) {
    CAPTURE(size);
    const Bytes bytes = sample_bytes(size);
    const BlobRef put = repeat([&] { return faulty->put_bytes(bytes, nullptr); }, disturb);
    CHECK(put.hash == hash_bytes(bytes));
    CHECK(put.size == size);
    const auto stored = direct->fetch_bytes(put, 2 * size, nullptr);
    REQUIRE_MESSAGE(stored.has_value(), stored.error().message);
    CHECK((*stored == bytes));
    const auto path =
        repeat([&] { return faulty->fetch(put, *cache, nullptr); }, disturb);
    std::ifstream file(path, std::ios::binary);
    const Bytes fetched{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    CHECK((fetched == bytes));
    const Bytes in_memory =
        repeat([&] { return faulty->fetch_bytes(put, 2 * size, nullptr); }, disturb);
    CHECK((in_memory == bytes));
  }
};

const auto nothing = [] {};

TEST_CASE("bulk faults: blobs whose connection is cut arrive whole, or not and then whole") {
  Line line;
  line.proxy.throttle(20'000'000);  // so that there is a middle
  const int rounds = testing::is_full_run() ? 20 : 2;
  for (int round = 0; round < rounds; ++round) {
    std::uint64_t cut_at = 0;
    int cuts_left = 6;
    line.carry(3 * limits::MiB + static_cast<std::size_t>(round) * 4097, [&] {
      const std::uint64_t forwarded = line.proxy.bytes_forwarded();
      if (cut_at == 0) cut_at = forwarded + limits::MiB;
      if (forwarded < cut_at || cuts_left == 0) return;
      line.proxy.cut();
      --cuts_left;
      cut_at = forwarded + 3 * limits::MiB / 2;
    });
    CHECK(cuts_left < 6);
  }
  MESSAGE(line.tries << " transfers, " << line.failed << " of them ended by a cut, "
                     << line.proxy.connections() << " connections");
  CHECK(line.proxy.connections() > 1);
}

TEST_CASE("bulk faults: flipped bits are never served, a repeat brings what was put") {
  Line line;
  line.proxy.flip_bits(2 * limits::MiB);
  const int rounds = testing::is_full_run() ? 30 : 3;
  for (int round = 0; round < rounds; ++round)
    line.carry(2 * limits::MiB + static_cast<std::size_t>(round) * 4099, nothing);
  MESSAGE(line.tries << " transfers, " << line.failed << " of them refused, "
                     << line.proxy.bits_flipped() << " bits flipped");
  CHECK(line.proxy.bits_flipped() > 0);
}

TEST_CASE("bulk faults: through a slow and narrow line blobs arrive at the first try") {
  Line line;
  line.proxy.delay(milliseconds(40));
  line.proxy.throttle(5'000'000);
  line.carry(2 * limits::MiB + 17, nothing);
  CHECK(line.failed == 0);
}

}  // namespace
}  // namespace framebus::test
