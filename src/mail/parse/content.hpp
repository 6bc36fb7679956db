#pragma once
#include <string>
#include <string_view>

#include "mail/parse/charset.hpp"
#include "mail/parse/header.hpp"
#include "mail/parse/transfer.hpp"

namespace bonafide::mail {

/// What the headers of a message or part say of its content (RFC 2045, 2183, 2231).
struct Content {
  std::string type = "text/plain";  ///< lower case
  std::string boundary;             ///< as written
  std::string charset;              ///< lower case
  std::string name;                 ///< file name, decoded; the disposition's goes before the type's
  std::string disposition;          ///< "inline", "attachment" or ""
  TransferDecoder::Encoding encoding = TransferDecoder::Encoding::identity;
  bool sound = true;  ///< false: a header of these could not be read as it should be

  [[nodiscard]] bool is_multipart() const { return type.starts_with("multipart/"); }
  [[nodiscard]] bool is_attached_message() const {
    return (type == "message/rfc822" || type == "message/global") &&
           encoding == TransferDecoder::Encoding::identity;
  }
};

/// Reads the Content-* fields of a block; `default_type` is what a part is that does not say.
Content read_content(const HeaderBlock& headers, std::string_view default_type, Charsets& charsets);

}  // namespace bonafide::mail
