// What a wrong or hostile peer of the bulk endpoint gets: an Error by its request id, and nothing
// else.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "libmsg/base/limits.h"
#include "libmsg/blob/blob_peer.h"
#include "libmsg/blob/blob_server.h"
#include "libmsg/schema/wire_error.h"
#include "tests/broker/shell/fake_router.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/careless_disk.h"

namespace framebus {
namespace {

using test::code_of;
using test::eventually;
using test::RawPeer;
using test::Reply;
using test::sample_bytes;

constexpr std::uint64_t chunk = limits::blob_chunk_bytes;

struct Bulk {
  Bulk() : store(open_blob_store(directory / "blobs", false).value()) {
    server = start_blob_server(make_context(), *store, "tcp://127.0.0.1:0").value();
  }
  // A peer that has been welcomed.
  std::unique_ptr<RawPeer> peer() const {
    auto made = std::make_unique<RawPeer>(server->endpoint());
    const auto reply = made->hello(Role::bulk);
    REQUIRE(reply);
    REQUIRE(std::holds_alternative<Welcome>(reply->message));
    return made;
  }
  std::size_t pending_files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory / "blobs/tmp"))
      count += entry.is_regular_file();
    return count;
  }
  test::ScratchDirectory directory;
  std::unique_ptr<BlobStore> store;
  std::unique_ptr<BlobServer> server;
};

BlobChunk chunk_of(std::uint64_t request, const BlobHash& hash, std::uint64_t offset,
                   std::uint64_t size, const Bytes& bytes) {
  return {request, hash, offset, size, xxh3(bytes)};
}

Bytes part_of(const Bytes& bytes, const BlobWant& want) {
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(want.offset);
  return Bytes(begin, begin + static_cast<std::ptrdiff_t>(want.length));
}

TEST_CASE("bulk endpoint: nothing is served before Hello, and other roles are shown the door") {
  const Bulk bulk;
  RawPeer stranger(bulk.server->endpoint());
  stranger.send(BlobWant{1, {}, 0, 0});
  CHECK(code_of(stranger.next()->message) == Code::no_session);
  const auto refused = stranger.hello(Role::worker);
  REQUIRE(refused);
  CHECK(std::holds_alternative<Refused>(refused->message));
  CHECK(std::holds_alternative<Welcome>(stranger.hello(Role::bulk)->message));
  CHECK(code_of(stranger.hello(Role::bulk)->message) == Code::failed_precondition);
}

TEST_CASE("bulk endpoint: another protocol version is refused with a reason") {
  const Bulk bulk;
  RawPeer peer(bulk.server->endpoint());
  WireFrames frames = encode(Hello{}, true);
  frames.parts[0] = {0x92, 0x63, 0x01};  // [99, Hello]
  frames.parts[2] = {0xc0};              // no checksum
  peer.send_frames(frames);
  const auto reply = peer.next();
  REQUIRE(reply);
  CHECK(code_of(reply->message) == Code::unsupported_version);
}

TEST_CASE("bulk endpoint: garbage is answered and the connection goes on") {
  const Bulk bulk;
  const auto peer = bulk.peer();
  peer->send_frames({{{0xff}, {0xff}, {0xff}}});
  CHECK(code_of(peer->next()->message) == Code::malformed_message);
  peer->send_frames({{{1, 2, 3}}});
  CHECK(code_of(peer->next()->message) == Code::malformed_message);
  peer->send(Submit{});
  CHECK(code_of(peer->next()->message) == Code::permission_denied);
  const BlobRef blob = bulk.store->put_bytes(bytes_of("still there")).value();
  peer->send(BlobWant{9, blob.hash, 0, 11});
  const auto reply = peer->next();
  REQUIRE(reply);
  REQUIRE(std::holds_alternative<BlobChunk>(reply->message));
  CHECK(text_of(reply->attachments.at(0)) == "still there");
}

TEST_CASE(
    "bulk endpoint: a want of length 0 tells the size, beyond the end or too long is an error") {
  const Bulk bulk;
  const auto peer = bulk.peer();
  const BlobRef blob = bulk.store->put_bytes(sample_bytes(1000)).value();
  peer->send(BlobWant{1, blob.hash, 0, 0});
  CHECK(peer->next_of<BlobChunk>()->size == 1000);
  peer->send(BlobWant{2, blob.hash, 1001, 1});
  auto error = peer->next_of<ErrorReply>();
  REQUIRE(error);
  CHECK(error->request == 2);
  CHECK(code_of(*error) == Code::invalid_argument);
  peer->send(BlobWant{3, blob.hash, 0, chunk + 1});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::invalid_argument);
  peer->send(BlobWant{4, hash_bytes({}), 0, 1});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::not_found);
}

TEST_CASE("bulk endpoint: a put of huge or impossible size is refused and makes no file") {
  const Bulk bulk;
  const auto peer = bulk.peer();
  peer->send(BlobPut{1, hash_bytes(bytes_of("x")), ~0ull});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::invalid_argument);
  peer->send(BlobPut{2, {}, 10});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::invalid_argument);
  peer->send(BlobPut{0, hash_bytes(bytes_of("x")), 1});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::invalid_argument);
  CHECK(bulk.pending_files() == 0);
}

TEST_CASE("bulk endpoint: a damaged chunk ends the transfer with data_loss and stores nothing") {
  const Bulk bulk;
  const auto peer = bulk.peer();
  const Bytes bytes = sample_bytes(chunk + 10);
  const BlobHash hash = hash_bytes(bytes);
  peer->send(BlobPut{1, hash, bytes.size()});
  const auto want = peer->next_of<BlobWant>();
  REQUIRE(want);
  Bytes part = part_of(bytes, *want);
  const BlobChunk message = chunk_of(1, hash, want->offset, bytes.size(), part);
  part[5] ^= 1;
  peer->send(message, {part});
  const auto error = peer->next_of<ErrorReply>();
  REQUIRE(error);
  CHECK(error->request == 1);
  CHECK(code_of(*error) == Code::data_loss);
  CHECK(eventually([&] { return bulk.pending_files() == 0; }));
  CHECK_FALSE(bulk.store->has(hash));
}

TEST_CASE(
    "bulk endpoint: bytes that do not have the promised hash are data_loss and stored nowhere") {
  const Bulk bulk;
  const auto peer = bulk.peer();
  const Bytes bytes = sample_bytes(2000);
  const BlobHash promised = hash_bytes(bytes_of("something else"));
  peer->send(BlobPut{1, promised, bytes.size()});
  REQUIRE(peer->next_of<BlobWant>());
  peer->send(chunk_of(1, promised, 0, bytes.size(), bytes), {bytes});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::data_loss);
  CHECK_FALSE(bulk.store->has(promised));
  CHECK_FALSE(bulk.store->has(hash_bytes(bytes)));
}

TEST_CASE("bulk endpoint: a size that differs from the stored blob's is data_loss") {
  const Bulk bulk;
  const auto peer = bulk.peer();
  const BlobRef blob = bulk.store->put_bytes(sample_bytes(100)).value();
  peer->send(BlobPut{1, blob.hash, 101});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::data_loss);
  peer->send(BlobPut{2, blob.hash, 100});
  CHECK(peer->next_of<BlobHave>()->request == 2);
}

TEST_CASE(
    "bulk endpoint: chunks nobody asked for, twice, of another length or without bytes are "
    "refused") {
  const Bulk bulk;
  const auto peer = bulk.peer();
  const Bytes bytes = sample_bytes(3 * chunk);
  const BlobHash hash = hash_bytes(bytes);
  const Bytes first(bytes.begin(), bytes.begin() + chunk);
  peer->send(chunk_of(77, hash, 0, bytes.size(), first), {first});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::failed_precondition);
  std::uint64_t request = 1;
  const auto refuses =
      [&](const std::vector<std::pair<std::uint64_t, std::vector<Bytes>>>& chunks) {
        peer->send(BlobPut{++request, hash, bytes.size()});
        for (int i = 0; i < 3; ++i) REQUIRE(peer->next_of<BlobWant>());
        for (const auto& [offset, attachments] : chunks) {
          peer->send(chunk_of(request, hash, offset, bytes.size(),
                              attachments.empty() ? Bytes{} : attachments[0]),
                     attachments);
        }
        const auto error = peer->next_of<ErrorReply>();
        return error && error->request == request && code_of(*error) == Code::invalid_argument;
      };
  CHECK(refuses({{1, {first}}}));
  CHECK(refuses({{0, {first}}, {0, {first}}}));
  CHECK(refuses({{0, {Bytes(first.begin(), first.end() - 1)}}}));
  CHECK(refuses({{0, {}}}));
  CHECK(refuses({{0, {first, first}}}));
  CHECK(refuses({{~0ull - 5, {first}}}));
  CHECK(eventually([&] { return bulk.pending_files() == 0; }));
}

TEST_CASE("bulk endpoint: transfers of one peer are bounded, and a lost peer's files are removed") {
  const Bulk bulk;
  auto peer = bulk.peer();
  for (std::uint64_t request = 1; request <= 64; ++request) {
    peer->send(BlobPut{request, hash_bytes(sample_bytes(request)), request});
  }
  REQUIRE(eventually([&] { return bulk.pending_files() == 64; }));
  peer->send(BlobPut{65, hash_bytes(sample_bytes(65)), 65});
  const auto error = peer->next_of<ErrorReply>();
  REQUIRE(error);
  CHECK(error->request == 65);
  CHECK(code_of(*error) == Code::resource_exhausted);
  CHECK(error->error.retry_after_ms > 0);
  peer->send(BlobPut{64, hash_bytes(sample_bytes(64)), 64});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::already_exists);
  peer.reset();
  CHECK(eventually([&] { return bulk.pending_files() == 0; }));
}

TEST_CASE("bulk endpoint: a peer that gives its transfers up has its places back at once") {
  const Bulk bulk;
  auto peer = bulk.peer();
  for (std::uint64_t request = 1; request <= 64; ++request)
    peer->send(BlobPut{request, hash_bytes(sample_bytes(request)), request});
  REQUIRE(eventually([&] { return bulk.pending_files() == 64; }));
  for (std::uint64_t request = 1; request <= 64; ++request)
    peer->send(error_reply(request, {Code::cancelled, "no longer wanted", 0}));
  peer->send(error_reply(4711, {Code::cancelled, "never was", 0}));
  CHECK(eventually([&] { return bulk.pending_files() == 0; }));
  while (peer->next(milliseconds(50))) {
  }  // the wants of before
  peer->send(BlobPut{65, hash_bytes(sample_bytes(65)), 65});
  const auto reply = peer->next();
  REQUIRE(reply);
  CHECK(std::holds_alternative<BlobWant>(reply->message));
}

TEST_CASE("bulk endpoint: a small transfer passes a large one") {
  const Bulk bulk;
  const auto large = bulk.peer();
  const auto small = bulk.peer();
  const BlobRef blob = bulk.store->put_bytes(sample_bytes(32 * limits::MiB)).value();
  const BlobRef tiny = bulk.store->put_bytes(bytes_of("tiny")).value();
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t i = 0; i < 64; ++i) large->send(BlobWant{1, blob.hash, i * chunk, chunk});
  }
  small->send(BlobWant{1, tiny.hash, 0, 4});
  // 640 MiB are asked for before it and nobody reads them: in a single queue the four bytes would
  // never come.
  const auto reply = small->next();
  REQUIRE(reply);
  CHECK(std::holds_alternative<BlobChunk>(reply->message));
}

// However large the real one is.
class SmallDisk final : public testing::CarelessDisk {
 public:
  static constexpr std::uint64_t bytes = 16 * limits::MiB;  // all of them free
  SmallDisk() : CarelessDisk(testing::Carelessness::none, *make_own()) {}
  Result<std::uint64_t> free_bytes(const std::filesystem::path&) const override { return bytes; }

 private:
  static Disk* make_own() {
    static const std::unique_ptr<Disk> real = make_posix_disk();
    return real.get();
  }
};

// A BlobPeer alone, with the time that a test invents.
struct Offered {
  ~Offered() {
    peer.reset();  // its last jobs
    pool.reset();  // refer to what is above
  }
  Offered() = default;
  explicit Offered(std::unique_ptr<BlobStore> other) : store(std::move(other)) {}
  Offered(const Offered&) = delete;
  Offered& operator=(const Offered&) = delete;

  // Offers a blob; until its first chunk is asked for.
  void put(std::uint64_t request, const Bytes& bytes) {
    offer({request, hash_bytes(bytes), bytes.size()}, now_monotonic());
  }
  // Until it is answered.
  void offer(const BlobPut& put, TimePoint now) {
    const std::size_t asked = sent().size();
    peer->on_put(put, now);
    REQUIRE(eventually([&] {
      run_completions();
      return sent().size() > asked;
    }));
  }
  // An offer that comes while peers hold every place there is.
  bool is_refused_for_places(std::uint64_t request, TimePoint now) {
    const std::uint32_t own = std::exchange(services.upload_count, 1024);
    peer->on_put({request, hash_bytes(sample_bytes(9)), 9}, now);
    services.upload_count = own;
    const auto* error = std::get_if<ErrorReply>(&sent().back());
    return error && error->request == request && code_of(*error) == Code::resource_exhausted;
  }
  void send_first_chunk(std::uint64_t request, const Bytes& bytes, TimePoint now) {
    const Bytes part(bytes.begin(), bytes.begin() + chunk);
    peer->on_chunk(chunk_of(request, hash_bytes(bytes), 0, bytes.size(), part), {part}, now);
  }
  void run_completions() {
    std::vector<std::function<void(BlobPeer&)>> batch;
    {
      const std::lock_guard lock(mutex);
      batch.swap(completions);
    }
    for (auto& each : batch) each(*peer);
  }
  const std::vector<Message>& sent() {
    CHECK(peer->flush(router));
    return router.sent[PeerId{1}];
  }
  // What expire() answers, by request.
  std::map<std::uint64_t, Code> expired(TimePoint now) {
    const std::size_t before = sent().size();
    peer->expire(now);
    std::map<std::uint64_t, Code> out;
    for (std::size_t i = before; i < sent().size(); ++i) {
      if (const auto* error = std::get_if<ErrorReply>(&sent()[i]))
        out[error->request] = code_of(*error);
    }
    return out;
  }

  test::ScratchDirectory directory;
  std::unique_ptr<BlobStore> store = open_blob_store(directory / "blobs", false).value();
  std::mutex mutex;
  std::vector<std::function<void(BlobPeer&)>> completions;
  std::optional<DiskPool> pool{std::in_place, 1};
  BlobServices services{*store, *pool, [this](PeerId, std::function<void(BlobPeer&)> each) {
                          const std::lock_guard lock(mutex);
                          completions.push_back(std::move(each));
                        }};
  test::FakeRouter router;
  std::optional<BlobPeer> peer{std::in_place, PeerId{1}, true, services};
};

using Ended = std::map<std::uint64_t, Code>;

TEST_CASE("bulk endpoint: a silent offer loses its room after seconds only if others need it") {
  Offered offered;
  offered.put(1, sample_bytes(3 * chunk));
  const TimePoint begin = now_monotonic();
  CHECK(offered.expired(begin + seconds(60)).empty());  // it is in nobody's way
  CHECK(offered.is_refused_for_places(2, begin + seconds(61)));
  CHECK(offered.expired(begin + seconds(62)) == Ended{{1, Code::unavailable}});
  CHECK_FALSE(offered.peer->has_uploads());

  offered.put(3, sample_bytes(3 * chunk));
  const TimePoint anew = now_monotonic();
  CHECK(offered.is_refused_for_places(4, anew + seconds(12)));
  CHECK(offered.expired(anew + seconds(14)).empty());  // fifteen seconds it has in any case
  CHECK(offered.expired(anew + seconds(16)) == Ended{{3, Code::unavailable}});

  offered.put(5, sample_bytes(3 * chunk));
  const TimePoint at_last = now_monotonic();
  CHECK(offered.is_refused_for_places(6, at_last + seconds(1)));
  CHECK(offered.expired(at_last + seconds(16)).empty());  // nobody has asked again
  CHECK(offered.expired(at_last + seconds(121)) == Ended{{5, Code::deadline_exceeded}});
}

TEST_CASE("bulk endpoint: an offer that is refused for promised bytes needs the room of others") {
  test::ScratchDirectory directory;
  const auto disk = std::make_shared<SmallDisk>();
  Offered offered(open_blob_store_on(disk, directory / "blobs", false, 0).value());
  offered.put(1, sample_bytes(3 * chunk));
  const TimePoint begin = now_monotonic();
  offered.offer(BlobPut{2, hash_bytes(sample_bytes(7)), SmallDisk::bytes}, begin + seconds(20));
  CHECK(offered.expired(begin + seconds(21)) == Ended{{1, Code::unavailable}});
  // More than the disk has: no silent offer is in its way.
  offered.put(3, sample_bytes(3 * chunk));
  offered.offer(BlobPut{4, hash_bytes(sample_bytes(7)), SmallDisk::bytes + 1},
                begin + seconds(60));
  CHECK(offered.expired(begin + seconds(61)).empty());
}

TEST_CASE("bulk endpoint: who sends slowly keeps all of its offers for two minutes of silence") {
  Offered offered;
  const Bytes first = sample_bytes(3 * chunk);
  offered.put(1, first);
  offered.put(2, sample_bytes(4 * chunk));
  const TimePoint begin = now_monotonic();
  offered.send_first_chunk(1, first, begin + seconds(10));
  CHECK(offered.is_refused_for_places(3, begin + seconds(100)));
  CHECK(offered.expired(begin + seconds(100)).empty());  // its link may be busy with the first
  CHECK(offered.expired(begin + seconds(119)).empty());
  CHECK(offered.expired(begin + seconds(121)) == Ended{{2, Code::deadline_exceeded}});
  CHECK(offered.expired(begin + seconds(129)).empty());
  CHECK(offered.expired(begin + seconds(131)) == Ended{{1, Code::deadline_exceeded}});
}

TEST_CASE("bulk endpoint: a first chunk that comes too late lets the next offer take its time") {
  Offered offered;
  const Bytes bytes = sample_bytes(3 * chunk);
  offered.put(1, bytes);
  const TimePoint begin = now_monotonic();
  CHECK(offered.is_refused_for_places(9, begin + seconds(16)));
  CHECK(offered.expired(begin + seconds(16)) == Ended{{1, Code::unavailable}});
  // Offered again; what was asked for the first time is still on its way, and comes first.
  offered.put(2, bytes);
  offered.send_first_chunk(1, bytes, begin + seconds(27));
  CHECK(offered.is_refused_for_places(9, begin + seconds(53)));
  CHECK(offered.expired(begin + seconds(53)).empty());
  offered.send_first_chunk(2, bytes, begin + seconds(54));
  CHECK(offered.expired(begin + seconds(100)).empty());
  CHECK(offered.peer->has_uploads());
}

}  // namespace
}  // namespace framebus
