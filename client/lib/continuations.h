// Where outcomes go: into promises and callbacks. Private to client/lib.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <utility>
#include <variant>

#include "client/lib/callback_queue.h"
#include "client/lib/primary.h"

namespace framebus::client {

template <class T>
using Sink = std::function<void(Result<T>)>;

// A promise is fulfilled at once, on whichever thread has the outcome, so that a callback may wait
// for a future; a callback goes to the callback thread.
template <class T>
Sink<T> into(std::shared_ptr<std::promise<Result<T>>> promise) {
  return
      [promise = std::move(promise)](Result<T> outcome) { promise->set_value(std::move(outcome)); };
}

template <class T>
Sink<T> into(CallbackQueue& callbacks, Callback<T> done) {
  return [&callbacks, done = std::move(done)](Result<T> outcome) {
    callbacks.post([done, outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
  };
}

// The continuation of a request whose answer is a T.
template <class T>
std::function<void(Result<Message>)> expecting(Sink<T> sink) {
  return [sink = std::move(sink)](Result<Message> outcome) {
    if (!outcome) return sink(fail(std::move(outcome).error()));
    sink(std::get<T>(std::move(*outcome)));  // the session has checked the type
  };
}

template <class T, class Start>
Future<T> as_future(Start start) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  Future<T> future = promise->get_future();
  start(into<T>(std::move(promise)));
  return future;
}

}  // namespace framebus::client
