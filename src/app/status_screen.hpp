#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"

namespace bonafide::app {

/// A place to write lines to.
struct Screen {
  int columns = 80, rows = 24;
  bool colour = false;
};

struct StatusView {
  bool ok = false;
  std::vector<std::string> lines;  ///< without their ends
};
/// What `bonafide status` prints of the answer of GET /v1/status: first whether all is well, else what is
/// not. Errors: internal (the answer is not what it should be).
Result<StatusView> status_view(const std::string& answer, const Screen& screen);
/// One picture of `bonafide top`, no larger than the screen; `where` is the data folder. Errors: as above.
Result<StatusView> top_view(const std::string& answer, const Screen& screen, const std::string& where);

}  // namespace bonafide::app
