// The client's connection to a bulk endpoint, shared by the transfers of several threads.
//
// One internal thread owns the socket and only moves messages; the transfers themselves run as
// plain, blocking code on their callers' threads, each through a channel. A channel lives and dies
// with the connection it was opened on. Thread rule: all public members may be called from any
// thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libmsg/transport/transport.h"

namespace framebus {

class BlobLink {
 public:
  struct Arrived {
    Message message;
    std::vector<Bytes> attachments;
  };

  // One transfer's replies. Made by open(); leaving its scope closes it.
  class Channel {
   public:
    Channel(BlobLink& link, std::uint64_t request);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    std::uint64_t request() const { return request_; }
    void send(const Message& message, std::vector<Bytes> attachments = {});
    // The next reply. An ErrorReply comes out as its Error. unavailable: the connection is lost, or
    // silent until `deadline` (then it is given up). cancelled, shutdown: as they say.
    Result<Arrived> receive(TimePoint deadline, const std::atomic<bool>* cancelled);
    bool is_lost() const;

   private:
    friend class BlobLink;
    BlobLink& link_;
    std::uint64_t request_;
    std::deque<Arrived> inbox_;  // guarded by the link's mutex, as are:
    std::optional<Error> lost_;
  };

  BlobLink(std::shared_ptr<Context> context, std::string endpoint);
  ~BlobLink();
  BlobLink(const BlobLink&) = delete;
  BlobLink& operator=(const BlobLink&) = delete;

  // Waits for the connection, which is made now if there is none. unavailable: not by the deadline.
  Result<std::unique_ptr<Channel>> open(TimePoint deadline, const std::atomic<bool>* cancelled);
  void set_endpoint(const std::string& endpoint);
  // Ends every call with Code::shutdown.
  void shut_down();

 private:
  enum class State { idle, greeting, ready };

  void run();
  Duration next_timeout(TimePoint now);
  void connect_when_wanted(TimePoint now);
  void take(Incoming&& incoming, TimePoint now);
  void on_welcome(const Welcome& welcome);
  void deliver(std::uint64_t request, Arrived&& arrived);
  void flush();
  void lose(const std::string& reason, TimePoint now);
  // Waits for `changed_` or one slice, whichever is first; false when the call must end (see
  // `why`).
  bool wait_slice(std::unique_lock<std::mutex>& lock, TimePoint deadline,
                  const std::atomic<bool>* cancelled, Error& why);

  std::shared_ptr<Context> context_;
  Wakeup wakeup_;
  mutable std::mutex mutex_;  // guards everything below up to the thread's own part
  std::condition_variable changed_;
  std::string endpoint_;
  bool endpoint_changed_ = false;
  bool stopping_ = false;
  bool distrusted_ = false;  // a caller waited in vain: connect anew
  State state_ = State::idle;
  bool checksum_ = true;
  std::uint32_t waiting_count_ = 0;
  std::uint64_t next_request_ = 1;
  std::string last_failure_;
  std::map<std::uint64_t, Channel*> channels_;
  std::deque<WireFrames> outbox_;

  // The thread's own.
  std::unique_ptr<DealerSocket> dealer_;
  std::deque<WireFrames> unsent_;
  TimePoint greeting_ends_{};
  TimePoint next_attempt_{};
  Duration back_off_{};
  std::thread thread_;
};

}  // namespace framebus
