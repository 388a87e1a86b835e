// Result<T>: a value or an Error. The project's only way to report a peer's, user's or
// environment's fault; a programmer's fault is a FRAMEBUS_CHECK (check.h).
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "libmsg/base/error.h"

namespace framebus {

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// `return fail(Code::not_found, "job 7: ...")` from any function that returns a Result.
inline tl::unexpected<Error> fail(Code code, std::string message, std::int64_t retry_after_ms = 0) {
  return tl::unexpected<Error>(Error{code, std::move(message), retry_after_ms});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace framebus

// Returns the error of `expr` from the enclosing function, if it has one.
#define FRAMEBUS_TRY(expr)                                       \
  do {                                                           \
    if (auto framebus_try_ = (expr); !framebus_try_)             \
      return ::framebus::fail(std::move(framebus_try_).error()); \
  } while (false)

#define FRAMEBUS_CONCAT_(a, b) a##b
#define FRAMEBUS_CONCAT(a, b) FRAMEBUS_CONCAT_(a, b)

// `FRAMEBUS_ASSIGN(auto x, f());` : x is f's value, or f's error is returned from here.
#define FRAMEBUS_ASSIGN(declaration, expr)                                                   \
  auto FRAMEBUS_CONCAT(framebus_result_, __LINE__) = (expr);                                 \
  if (!FRAMEBUS_CONCAT(framebus_result_, __LINE__))                                          \
    return ::framebus::fail(std::move(FRAMEBUS_CONCAT(framebus_result_, __LINE__)).error()); \
  declaration = std::move(*FRAMEBUS_CONCAT(framebus_result_, __LINE__))
