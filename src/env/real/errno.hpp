#pragma once
#include <cerrno>
#include <string>
#include <system_error>

#include "base/result.hpp"

namespace bonafide::env {

/// The Error for the present errno: "WHAT: No such file or directory".
inline Error errno_error(const std::string& what) {
  const int code = errno;
  Cause cause = Cause::internal;
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      cause = Cause::not_found;
      break;
    case EEXIST:
    case EWOULDBLOCK:
      cause = Cause::conflict;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      cause = Cause::exhausted;
      break;
    case EIO:
      cause = Cause::damaged;
      break;
    case EACCES:
    case EPERM:
    case EISDIR:
    case ENAMETOOLONG:
    case EROFS:
    case ELOOP:
      cause = Cause::invalid;
      break;
    default:
      break;
  }
  return {cause, what + ": " + std::generic_category().message(code)};
}

/// Calls `call` until it is not interrupted by a signal.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace bonafide::env
