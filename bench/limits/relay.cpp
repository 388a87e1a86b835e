#include "bench/limits/relay.h"

#include <stdlib.h>
#include <zmq.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

namespace framebus::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto start_within = std::chrono::seconds(10);
constexpr int silence_max_ms = 10'000;
constexpr std::uint32_t warm_up_messages = 1'000;

struct ZmqContext {
  void* context = zmq_ctx_new();
  ~ZmqContext() { zmq_ctx_term(context); }
};

// Unbounded queues: what limits is the window.
struct ZmqSocket {
  void* socket;
  ZmqSocket(ZmqContext& context, int type) : socket(zmq_socket(context.context, type)) {
    const int none = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none);
  }
  ~ZmqSocket() { zmq_close(socket); }
  ZmqSocket(const ZmqSocket&) = delete;
  ZmqSocket& operator=(const ZmqSocket&) = delete;

  std::string endpoint() const {
    char text[256] = "";
    std::size_t size = sizeof text;
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size);
    return text;
  }
};

int run_proxy(const std::string& file, const char* front, const char* back) {
  ZmqContext context;
  ZmqSocket clients(context, ZMQ_ROUTER), workers(context, ZMQ_DEALER);
  if (zmq_bind(clients.socket, front) != 0 || zmq_bind(workers.socket, back) != 0) {
    std::fprintf(stderr, "relay: %s or %s can not be bound: %s\n", front, back,
                 zmq_strerror(errno));
    return 1;
  }
  std::ofstream(file + ".new") << clients.endpoint() << '\n' << workers.endpoint() << '\n';
  std::filesystem::rename(file + ".new", file);
  zmq_proxy(clients.socket, workers.socket, nullptr);
  return 0;
}

int run_echo(const char* back) {
  ZmqContext context;
  ZmqSocket socket(context, ZMQ_DEALER);
  if (zmq_connect(socket.socket, back) != 0) return 1;
  zmq_msg_t part;
  zmq_msg_init(&part);
  while (zmq_msg_recv(&part, socket.socket, 0) >= 0) {
    const int more = zmq_msg_more(&part) != 0 ? ZMQ_SNDMORE : 0;
    if (zmq_msg_send(&part, socket.socket, more) < 0) return 1;
  }
  return 0;
}

// One client's messages: numbered payloads, their times, and what came back.
class Exchange {
 public:
  Exchange(void* socket, unsigned frames, std::uint64_t messages, std::uint32_t payload,
           std::uint64_t seed)
      : socket_(socket), frames_(frames), payload_(std::max<std::uint32_t>(payload, 8)) {
    std::mt19937_64 random(seed);
    bytes_.resize(messages * payload_);
    for (std::size_t at = 0; at + 8 <= bytes_.size(); at += 8) {
      const std::uint64_t word = random();
      std::memcpy(&bytes_[at], &word, sizeof word);
    }
    for (std::uint64_t i = 0; i < messages; ++i) std::memcpy(&bytes_[i * payload_], &i, sizeof i);
    sent_at_.resize(messages);
    latencies_us_.reserve(messages);
  }

  Status run(std::uint32_t window) {
    const std::uint64_t messages = sent_at_.size();
    std::uint64_t sent = 0;
    while (latencies_us_.size() < messages) {
      while (sent < messages && sent - latencies_us_.size() < window) send(sent++);
      FRAMEBUS_TRY(receive_what_has_come());
    }
    return {};
  }

  std::vector<double>& latencies_us() { return latencies_us_; }

 private:
  void send(std::uint64_t number) {
    static constexpr char type[2] = {1, 2};
    static constexpr char checksum[8] = {};
    sent_at_[number] = Clock::now();
    if (frames_ == 3) zmq_send(socket_, type, sizeof type, ZMQ_SNDMORE);
    zmq_send(socket_, &bytes_[number * payload_], payload_, frames_ == 3 ? ZMQ_SNDMORE : 0);
    if (frames_ == 3) zmq_send(socket_, checksum, sizeof checksum, 0);
  }

  Status receive_what_has_come() {
    zmq_pollitem_t item{socket_, 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, silence_max_ms) <= 0)
      return fail(Code::deadline_exceeded, "the relay did not answer for 10 s");
    zmq_msg_t part;
    zmq_msg_init(&part);
    Status status;
    while (status && zmq_msg_recv(&part, socket_, ZMQ_DONTWAIT) >= 0) {
      for (unsigned frame = 1; frame < frames_; ++frame) {
        if (frame == 2) status = take(part);
        zmq_msg_recv(&part, socket_, 0);
      }
      if (frames_ == 1) status = take(part);
    }
    zmq_msg_close(&part);
    return status;
  }

  Status take(zmq_msg_t& part) {
    std::uint64_t number = ~std::uint64_t{0};
    if (zmq_msg_size(&part) == payload_) std::memcpy(&number, zmq_msg_data(&part), sizeof number);
    if (number >= sent_at_.size() ||
        std::memcmp(zmq_msg_data(&part), &bytes_[number * payload_], payload_) != 0)
      return fail(Code::data_loss, "a reply of the relay has other bytes than were sent");
    const std::chrono::duration<double, std::micro> took = Clock::now() - sent_at_[number];
    latencies_us_.push_back(took.count());
    return {};
  }

  void* socket_;
  unsigned frames_;
  std::uint32_t payload_;
  std::vector<char> bytes_;
  std::vector<Clock::time_point> sent_at_;
  std::vector<double> latencies_us_;
};

Result<std::vector<std::string>> wait_for_lines(const std::filesystem::path& file,
                                                ChildProcess& process) {
  for (const auto deadline = Clock::now() + start_within; Clock::now() < deadline;) {
    std::ifstream stream(file);
    std::vector<std::string> lines(2);
    if (std::getline(stream, lines[0]) && std::getline(stream, lines[1])) return lines;
    if (!process.is_running()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return fail(Code::unavailable, "the relay did not start; see " + file.parent_path().string());
}

}  // namespace

Result<Relay> Relay::start(const RelayOptions& options) {
  Relay relay;
  relay.options_ = options;
  std::string pattern = (options.folder / "framebus-relay-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    return fail(Code::unavailable, "could not make a folder in " + options.folder.string());
  relay.folder_ = pattern;
  const std::string file = (relay.folder_ / "endpoints").string();
  const auto endpoint = [&](const char* name) {
    return options.ipc ? "ipc://" + (relay.folder_ / name).string()
                       : std::string("tcp://127.0.0.1:*");
  };
  FRAMEBUS_ASSIGN(auto proxy, ChildProcess::start({options.program, "relay-process", "proxy", file,
                                                   endpoint("front"), endpoint("back")},
                                                  relay.folder_ / "proxy.log"));
  relay.processes_.push_back(std::move(proxy));
  FRAMEBUS_ASSIGN(const auto endpoints, wait_for_lines(file, relay.processes_.front()));
  relay.front_ = endpoints[0];
  FRAMEBUS_ASSIGN(auto echo,
                  ChildProcess::start({options.program, "relay-process", "echo", endpoints[1]},
                                      relay.folder_ / "echo.log"));
  relay.processes_.push_back(std::move(echo));
  return relay;
}

Relay::~Relay() {
  processes_.clear();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<Figures> Relay::measure(std::uint64_t messages, std::uint32_t payload, std::uint32_t window,
                               std::uint64_t seed) {
  ZmqContext context;
  ZmqSocket socket(context, ZMQ_DEALER);
  if (zmq_connect(socket.socket, front_.c_str()) != 0)
    return fail(Code::unavailable, front_ + " can not be connected");
  Exchange warm_up(socket.socket, options_.frames, warm_up_messages, payload, seed + 1);
  FRAMEBUS_TRY(warm_up.run(window));
  Exchange exchange(socket.socket, options_.frames, messages, payload, seed);
  const auto began = Clock::now();
  FRAMEBUS_TRY(exchange.run(window));
  const std::chrono::duration<double> took = Clock::now() - began;
  return figures_of(exchange.latencies_us(), took.count());
}

int relay_process_main(int argc, char** argv) {
  const std::string role = argc > 2 ? argv[2] : "";
  if (role == "proxy" && argc == 6) return run_proxy(argv[3], argv[4], argv[5]);
  if (role == "echo" && argc == 4) return run_echo(argv[3]);
  return 2;
}

}  // namespace framebus::bench
