#include "base/result.hpp"

namespace bonafide {

const char* to_string(Cause cause) {
  switch (cause) {
    case Cause::invalid:
      return "invalid";
    case Cause::not_found:
      return "not_found";
    case Cause::conflict:
      return "conflict";
    case Cause::exhausted:
      return "exhausted";
    case Cause::unavailable:
      return "unavailable";
    case Cause::damaged:
      return "damaged";
    case Cause::fenced:
      return "fenced";
    case Cause::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace bonafide
