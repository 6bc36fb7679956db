#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

struct UConverter;

namespace bonafide::mail {

/// Text of any charset to UTF-8. Keeps a few open converters; not for several threads at once.
class Charsets {
 public:
  Charsets();
  ~Charsets();
  Charsets(const Charsets&) = delete;
  Charsets& operator=(const Charsets&) = delete;

  /// Appends `bytes` of the named charset (any alias, any case) as valid UTF-8; what cannot be read becomes
  /// U+FFFD. As the web does it, ISO-8859-1 is read as Windows-1252 and GB2312 as GB18030. Text that is
  /// labelled ASCII or not at all is read as UTF-8 if it is that, else as Windows-1252. False: nobody knows
  /// the charset; then likewise.
  bool append_utf8(std::string_view charset, ByteView bytes, std::string& out);

  /// Are the bytes below 128 of this charset ASCII, whatever stands around them?
  static bool keeps_ascii(std::string_view charset);

 private:
  struct Open {
    std::string name;
    UConverter* converter;
  };
  UConverter* converter(const std::string& name);

  std::vector<Open> open_;
  size_t next_out_ = 0;
};

}  // namespace bonafide::mail
