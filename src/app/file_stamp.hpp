#pragma once
#include <string>

#include "control/reference/keeper.hpp"

namespace bonafide::app {

/// Of the file itself, behind symbolic links. Errors: not_found, internal.
Result<control::FileStamp> file_stamp(const std::string& path);

}  // namespace bonafide::app
