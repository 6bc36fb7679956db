#pragma once
#include <iostream>
#include <string>

#include "app/verbs.hpp"
#include "base/result.hpp"

// How verbs speak to the user.
namespace bonafide::app {

/// The exit code that belongs to a cause.
inline int exit_code(Cause cause) {
  switch (cause) {
    case Cause::invalid:
      return exit_data;
    case Cause::not_found:
      return exit_no_input;
    case Cause::conflict:
    case Cause::exhausted:
      return exit_temporary;
    case Cause::unavailable:
      return exit_unavailable;
    case Cause::damaged:
      return exit_data;
    case Cause::fenced:
    case Cause::internal:
      return exit_software;
  }
  return exit_software;
}

/// Says what is wrong on standard error and returns the exit code for it.
inline int complain(const Error& error) {
  std::cerr << "bonafide: " << error.message << "\n";
  return exit_code(error.cause);
}

}  // namespace bonafide::app
