#pragma once
#include <string>
#include <vector>

#include "app/demo/draft.hpp"

namespace bonafide::app::demo {

/// The text of a message as its reader sees it, in the forms its program sends.
struct Body {
  std::string plain;  ///< lines end in "\n"
  std::string html;   ///< "" if none is sent
};
void write_body(Body& body, const Draft& draft);

}  // namespace bonafide::app::demo
