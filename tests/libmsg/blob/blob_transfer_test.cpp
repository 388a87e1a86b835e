// Blobs through real sockets: client and server of this library, both directions, with accidents.
#include <doctest/doctest.h>

#include <fstream>
#include <future>
#include <thread>

#include "libmsg/base/limits.h"
#include "libmsg/blob/blob_client.h"
#include "libmsg/blob/blob_server.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus {
namespace {

using test::eventually;
using test::sample_bytes;
using test::ScratchDirectory;

constexpr std::size_t chunk = limits::blob_chunk_bytes;

struct Farm {
  explicit Farm(const std::string& url = "tcp://127.0.0.1:0")
      : context(make_context()), store(open_blob_store(directory / "broker", false).value()) {
    server = start_blob_server(context, *store, url).value();
    client = make_blob_client(context, server->endpoint(), seconds(2));
    cache = open_blob_store(directory / "worker", false).value();
  }
  ScratchDirectory directory;
  std::shared_ptr<Context> context;
  std::unique_ptr<BlobStore> store;
  std::unique_ptr<BlobServer> server;
  std::unique_ptr<BlobClient> client;
  std::unique_ptr<BlobStore> cache;
};

TEST_CASE("blob transfer: every size around a chunk survives a put and both kinds of fetch") {
  Farm farm;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, chunk - 1, chunk, chunk + 1, 50 * limits::MiB}) {
    CAPTURE(size);
    const Bytes bytes = sample_bytes(size);
    const auto put = farm.client->put_bytes(bytes, nullptr);
    REQUIRE_MESSAGE(put, (put ? "" : put.error().message));
    CHECK(farm.store->size_of(put->hash).value() == size);
    const auto path = farm.client->fetch(*put, *farm.cache, nullptr);
    REQUIRE_MESSAGE(path, (path ? "" : path.error().message));
    CHECK(std::filesystem::file_size(*path) == size);
    const auto fetched = farm.client->fetch_bytes(*put, 64 * limits::MiB, nullptr);
    REQUIRE(fetched);
    CHECK(*fetched == bytes);
  }
  CHECK(farm.client->bandwidth_bytes_per_s() > 0);
}

TEST_CASE("blob transfer: a file is put under its hash") {
  Farm farm;
  const Bytes bytes = sample_bytes(chunk * 2 + 5);
  std::ofstream(farm.directory / "scene.glb", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  const BlobRef blob = farm.client->put_file(farm.directory / "scene.glb", nullptr).value();
  CHECK(blob.hash == hash_bytes(bytes));
  CHECK(farm.store->read(blob.hash, 0, blob.size).value() == bytes);
  CHECK(farm.client->put_file(farm.directory / "none", nullptr).error().code == Code::not_found);
}

TEST_CASE("blob transfer: what the broker has is not sent again") {
  Farm farm;
  const Bytes bytes = sample_bytes(40 * limits::MiB);
  const BlobRef blob = farm.store->put_bytes(bytes).value();
  const std::uint64_t before = farm.client->bandwidth_bytes_per_s();
  CHECK(farm.client->put_bytes(bytes, nullptr).value() == blob);
  CHECK(farm.client->bandwidth_bytes_per_s() == before);  // nothing moved, nothing measured
}

TEST_CASE("blob transfer: a missing blob is not_found and leaves nothing behind") {
  Farm farm;
  const BlobRef missing{hash_bytes(bytes_of("missing")), 7, {}};
  CHECK(farm.client->fetch(missing, *farm.cache, nullptr).error().code == Code::not_found);
  CHECK(farm.client->fetch_bytes(missing, 100, nullptr).error().code == Code::not_found);
  CHECK_FALSE(farm.cache->has(missing.hash));
}

TEST_CASE(
    "blob transfer: a reference with the wrong size is data_loss, one too large for memory "
    "refused") {
  Farm farm;
  BlobRef blob = farm.store->put_bytes(sample_bytes(5000)).value();
  CHECK(farm.client->fetch_bytes(blob, 4999, nullptr).error().code == Code::resource_exhausted);
  blob.size = 4000;
  CHECK(farm.client->fetch(blob, *farm.cache, nullptr).error().code == Code::data_loss);
  CHECK_FALSE(farm.cache->has(blob.hash));
}

TEST_CASE("blob transfer: a damaged file at the broker never reaches a cache") {
  Farm farm;
  const BlobRef blob = farm.store->put_bytes(sample_bytes(chunk + 100)).value();
  {
    std::fstream file(farm.store->path_of(blob.hash).value(),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(1000);
    file.put('!');
  }
  CHECK(farm.client->fetch(blob, *farm.cache, nullptr).error().code == Code::data_loss);
  CHECK(farm.client->fetch_bytes(blob, limits::MiB, nullptr).error().code == Code::data_loss);
  CHECK_FALSE(farm.cache->has(blob.hash));
}

TEST_CASE(
    "blob transfer: clients and threads share the server, the same blob is fetched once for a "
    "process") {
  Farm farm;
  const auto other = make_blob_client(make_context(), farm.server->endpoint(), seconds(5));
  std::vector<BlobRef> blobs;
  for (std::size_t i = 0; i < 4; ++i)
    blobs.push_back(farm.store->put_bytes(sample_bytes(3 * limits::MiB + i)).value());
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      BlobClient& client = i % 2 ? *other : *farm.client;
      for (const BlobRef& blob : blobs)
        good += client.fetch(blob, *farm.cache, nullptr).has_value();
      good += client.put_bytes(sample_bytes(2 * limits::MiB + i), nullptr).has_value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 8 * 5);
}

TEST_CASE("blob transfer: a put that is cut by a restart of the server starts over and succeeds") {
  const ScratchDirectory sockets;
  Farm farm("ipc://" + (sockets / "bulk").string());
  const Bytes bytes = sample_bytes(64 * limits::MiB);
  auto put = std::async(std::launch::async, [&] { return farm.client->put_bytes(bytes, nullptr); });
  const auto has_begun = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(farm.directory / "broker/tmp")) {
      std::error_code gone;
      if (entry.file_size(gone) > 2 * limits::MiB && !gone) return true;
    }
    return false;
  };
  REQUIRE(eventually(has_begun));
  const std::string endpoint = farm.server->endpoint();
  farm.server.reset();
  // libzmq gives an address free a moment after its socket is closed.
  REQUIRE(eventually([&] {
    auto started = start_blob_server(farm.context, *farm.store, endpoint);
    if (started) farm.server = std::move(*started);
    return started.has_value();
  }));
  REQUIRE(put.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  const auto done = put.get();
  REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
  CHECK(farm.store->has(hash_bytes(bytes)));
}

TEST_CASE(
    "blob transfer: without a server calls end with unavailable, and go on once there is one") {
  const ScratchDirectory sockets;
  const std::string url = "ipc://" + (sockets / "bulk").string();
  const auto client = make_blob_client(make_context(), url, milliseconds(300));
  CHECK(client->put_bytes(bytes_of("x"), nullptr).error().code == Code::unavailable);
  Farm farm(url);
  CHECK(client->put_bytes(bytes_of("x"), nullptr));
}

TEST_CASE("blob transfer: a server that accepts and then says nothing is given up") {
  const auto context = make_context();
  const auto mute = make_router(context);
  const std::string url = mute->bind("tcp://127.0.0.1:0").value();
  const auto client = make_blob_client(context, url, milliseconds(300));
  auto put =
      std::async(std::launch::async, [&] { return client->put_bytes(bytes_of("x"), nullptr); });
  const auto serve = [&] {
    std::vector<Incoming> incoming;
    mute->receive(incoming, 10);
    for (const Incoming& each : incoming) {
      if (each.kind == Incoming::Kind::message)
        (void)mute->send(each.peer, encode(Welcome{}, true));
    }
    return put.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  };
  REQUIRE(eventually(serve, seconds(10)));
  CHECK(put.get().error().code == Code::unavailable);
}

TEST_CASE("blob transfer: the endpoint can change, and cancelling ends a call") {
  Farm farm;
  const auto client = make_blob_client(farm.context, "tcp://127.0.0.1:1", seconds(30));
  std::atomic<bool> cancelled{false};
  auto call =
      std::async(std::launch::async, [&] { return client->put_bytes(bytes_of("x"), &cancelled); });
  cancelled = true;
  REQUIRE(call.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  CHECK(call.get().error().code == Code::cancelled);
  client->set_endpoint(farm.server->endpoint());
  CHECK(client->put_bytes(bytes_of("x"), nullptr));
}

TEST_CASE("blob transfer: puts that were cancelled hold no place at the broker") {
  Farm farm;
  REQUIRE(farm.client->put_bytes(bytes_of("connected"), nullptr));
  const std::atomic<bool> cancelled{true};
  // More of them than one peer may have under way.
  for (std::size_t i = 1; i <= 70; ++i)
    CHECK(farm.client->put_bytes(sample_bytes(i), &cancelled).error().code == Code::cancelled);
  const auto put = farm.client->put_bytes(sample_bytes(5000), nullptr);
  CHECK_MESSAGE(put, (put ? "" : put.error().message));
}

TEST_CASE("blob transfer: destroying the client ends calls of other threads with shutdown") {
  auto client = make_blob_client(make_context(), "tcp://127.0.0.1:1", seconds(30));
  std::promise<void> begun;
  auto call = std::async(std::launch::async, [&begun, used = client.get()] {
    begun.set_value();
    return used->put_bytes(bytes_of("x"), nullptr);
  });
  begun.get_future().wait();
  // The call may or may not have entered the client yet: both must end well, so only the first is
  // forced.
  REQUIRE_FALSE(call.wait_for(std::chrono::milliseconds(200)) == std::future_status::ready);
  client.reset();
  REQUIRE(call.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  CHECK(call.get().error().code == Code::shutdown);
}

}  // namespace
}  // namespace framebus
