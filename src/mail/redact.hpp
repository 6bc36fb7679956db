#pragma once
#include <string>
#include <string_view>

namespace bonafide::mail {

/// Text with the local parts of the addresses in it cut to their first letter: "a…@acme.example". For logs,
/// lists and live views; never for what is stored.
std::string redact(std::string_view text);

}  // namespace bonafide::mail
