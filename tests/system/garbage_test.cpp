// Strangers that send garbage to every endpoint while a job runs.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/libmsg/blob/raw_peer.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

// Opens a plain TCP connection to tcp://127.0.0.1:PORT and writes what is not ZeroMQ at all.
void send_raw_bytes(const std::string& url, const std::string& text) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(fd >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  ::close(fd);
}

void send_garbage_messages(const std::string& url) {
  RawPeer stranger(url);
  for (std::size_t size = 0; size < 40; ++size) {
    stranger.send_frames(
        {{sample_bytes(size % 7), sample_bytes(size * 31), sample_bytes(size % 10)}});
    stranger.send_frames(
        {{Bytes{0x92, 0x01, static_cast<std::uint8_t>(size)}, sample_bytes(size), Bytes{0xc0}}});
  }
  CHECK(stranger.next());  // it is answered
}

TEST_CASE(
    "garbage: bytes and messages of strangers to every endpoint do not disturb a running job") {
  Farm farm;
  ChildProcess& worker = farm.worker({"--slots", "2"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(6, milliseconds(400)));
  for (const std::string& url :
       {farm.primary_endpoint(), farm.worker_endpoint(), farm.bulk_endpoint()}) {
    send_raw_bytes(url, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    send_raw_bytes(url, std::string(100'000, '\xff'));
    send_raw_bytes(url, std::string("\xff\0\0\0\0\0\0\0\1\x7f", 10) + std::string(54, '\3'));
    send_garbage_messages(url);
  }
  farm.wait_for_state(job, "succeeded");
  for (const Json& task : farm.tasks(job)) CHECK(task.at("attempts").size() == 1);
  CHECK(worker.is_running());
  CHECK(farm.broker().is_running());
}

}  // namespace
}  // namespace framebus::test
