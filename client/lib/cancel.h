// A switch that ends calls of a Primary before their answer.
//
//   Cancel cancel;
//   auto answers = primary.broadcast("wait", payload, {.cancel = cancel});
//   cancel.now();   // answers.get() is Code::cancelled
//
// Local: the workers are not told, so the command may be carried out all the same. Whatever answer
// still comes is ignored. One switch may serve many calls, of several Primaries; a call that is
// made with it afterwards completes with `cancelled` at once. Copies share the switch. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace framebus::client {

class Cancel {
 public:
  // Idempotent. Futures and callbacks complete at once, without waiting for anybody.
  void now() const;
  bool is_cancelled() const;

 private:
  friend class PrimaryImpl;
  // `end` is called when the switch is thrown, unless forget() came first; false: it was thrown
  // already.
  bool on_cancel(std::uint64_t call, std::function<void()> end) const;
  void forget(std::uint64_t call) const;
  static std::uint64_t new_call();

  struct State {
    std::mutex mutex;
    bool is_cancelled = false;
    std::map<std::uint64_t, std::function<void()>> calls;  // under way
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();  // with all copies and their calls
};

}  // namespace framebus::client
