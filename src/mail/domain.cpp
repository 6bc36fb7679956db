#include "mail/domain.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>

#include <libpsl.h>
#include <unicode/uidna.h>

#include "base/ip.hpp"
#include "base/text.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_domain_bytes = 253;
constexpr size_t max_label_bytes = 63;

bool is_host_char(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; }

// Is this a host name in lower-case ASCII with labels of usable length?
bool is_plain_domain(std::string_view name) {
  if (name.empty() || name.size() > max_domain_bytes) return false;
  size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (!is_host_char(c) || ++label > max_label_bytes) {
      return false;
    }
  }
  return label > 0;
}

std::string literal_domain(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address.ok() ? "[" + address->text() + "]" : "";
}

const UIDNA* converter() {
  static const std::unique_ptr<UIDNA, decltype(&uidna_close)> idna = [] {
    UErrorCode error = U_ZERO_ERROR;
    return std::unique_ptr<UIDNA, decltype(&uidna_close)>(
        uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ, &error),
        &uidna_close);
  }();
  return idna.get();
}

std::string international_domain(std::string_view name) {
  // A name longer than this in UTF-8 cannot fit the 253 bytes of its A-labels.
  if (converter() == nullptr || name.size() > 4 * max_domain_bytes) return "";
  std::array<char, 2 * max_domain_bytes> out{};
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length = uidna_nameToASCII_UTF8(converter(), name.data(), static_cast<int32_t>(name.size()),
                                                out.data(), static_cast<int32_t>(out.size()), &info, &error);
  // Hyphens in places 3 and 4 or at an end are against the rules and in use.
  const uint32_t tolerated =
      UIDNA_ERROR_HYPHEN_3_4 | UIDNA_ERROR_LEADING_HYPHEN | UIDNA_ERROR_TRAILING_HYPHEN;
  if (U_FAILURE(error) || (info.errors & ~tolerated) != 0) return "";
  const std::string ascii = ascii_lower({out.data(), static_cast<size_t>(length)});
  return is_plain_domain(ascii) ? ascii : "";
}

// Large public mailbox providers, sorted for binary search.
constexpr auto free_mail = std::to_array<std::string_view>(
    {"126.com",        "139.com",        "163.com",        "21cn.com",       "abv.bg",
     "aim.com",        "alice.it",       "aliyun.com",     "aol.com",        "arcor.de",
     "att.net",        "bellsouth.net",  "bigpond.com",    "bk.ru",          "bluewin.ch",
     "bol.com.br",     "btinternet.com", "centrum.cz",     "comcast.net",    "cox.net",
     "daum.net",       "duck.com",       "earthlink.net",  "email.com",      "email.cz",
     "fastmail.com",   "fastmail.fm",    "foxmail.com",    "free.fr",        "freemail.hu",
     "freenet.de",     "gmail.com",      "gmx.at",         "gmx.ch",         "gmx.com",
     "gmx.de",         "gmx.net",        "googlemail.com", "hanmail.net",    "hey.com",
     "hotmail.be",     "hotmail.ca",     "hotmail.ch",     "hotmail.co.jp",  "hotmail.co.th",
     "hotmail.co.uk",  "hotmail.com",    "hotmail.com.ar", "hotmail.com.au", "hotmail.com.br",
     "hotmail.de",     "hotmail.es",     "hotmail.fr",     "hotmail.it",     "hotmail.nl",
     "hotmail.se",     "hushmail.com",   "icloud.com",     "inbox.com",      "inbox.lv",
     "inbox.ru",       "interia.pl",     "laposte.net",    "libero.it",      "list.ru",
     "live.be",        "live.ca",        "live.cn",        "live.co.uk",     "live.com",
     "live.com.au",    "live.com.mx",    "live.com.pt",    "live.de",        "live.dk",
     "live.fr",        "live.in",        "live.it",        "live.nl",        "live.no",
     "live.se",        "mac.com",        "mail.com",       "mail.ru",        "mailbox.org",
     "me.com",         "msn.com",        "naver.com",      "o2.pl",          "onet.pl",
     "orange.fr",      "outlook.at",     "outlook.be",     "outlook.co.id",  "outlook.co.th",
     "outlook.com",    "outlook.com.ar", "outlook.com.au", "outlook.com.br", "outlook.com.tr",
     "outlook.cz",     "outlook.de",     "outlook.dk",     "outlook.es",     "outlook.fr",
     "outlook.ie",     "outlook.in",     "outlook.it",     "outlook.jp",     "outlook.kr",
     "outlook.pt",     "outlook.sa",     "outlook.sg",     "pm.me",          "posteo.de",
     "proton.me",      "protonmail.ch",  "protonmail.com", "qq.com",         "rambler.ru",
     "rediffmail.com", "rocketmail.com", "sapo.pt",        "sbcglobal.net",  "seznam.cz",
     "sfr.fr",         "sina.cn",        "sina.com",       "sohu.com",       "t-online.de",
     "terra.com.br",   "tuta.com",       "tuta.io",        "tutanota.com",   "tutanota.de",
     "ukr.net",        "uol.com.br",     "verizon.net",    "virgilio.it",    "wanadoo.fr",
     "web.de",         "wp.pl",          "ya.ru",          "yahoo.at",       "yahoo.be",
     "yahoo.ca",       "yahoo.ch",       "yahoo.co.id",    "yahoo.co.in",    "yahoo.co.jp",
     "yahoo.co.kr",    "yahoo.co.nz",    "yahoo.co.th",    "yahoo.co.uk",    "yahoo.co.za",
     "yahoo.com",      "yahoo.com.ar",   "yahoo.com.au",   "yahoo.com.br",   "yahoo.com.cn",
     "yahoo.com.co",   "yahoo.com.hk",   "yahoo.com.mx",   "yahoo.com.my",   "yahoo.com.ph",
     "yahoo.com.sg",   "yahoo.com.tr",   "yahoo.com.tw",   "yahoo.com.vn",   "yahoo.cz",
     "yahoo.de",       "yahoo.dk",       "yahoo.es",       "yahoo.fi",       "yahoo.fr",
     "yahoo.gr",       "yahoo.hu",       "yahoo.ie",       "yahoo.in",       "yahoo.it",
     "yahoo.nl",       "yahoo.no",       "yahoo.pl",       "yahoo.pt",       "yahoo.ro",
     "yahoo.ru",       "yahoo.se",       "yandex.by",      "yandex.com",     "yandex.kz",
     "yandex.ru",      "yandex.ua",      "yeah.net",       "ymail.com",      "zoho.com",
     "zohomail.com",   "zohomail.eu"});
static_assert(std::is_sorted(free_mail.begin(), free_mail.end()));

}  // namespace

std::string to_ascii_domain(std::string_view text) {
  text = trim(text);
  if (!text.empty() && text.front() == '[') return literal_domain(text);
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  std::string lower = ascii_lower(text);
  if (is_plain_domain(lower)) return lower;
  const bool ascii =
      std::all_of(lower.begin(), lower.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
  return ascii ? "" : international_domain(lower);
}

std::string organisational_domain(std::string_view domain) {
  if (domain.empty() || domain.front() == '[' || domain.find('.') == std::string_view::npos)
    return std::string(domain);
  std::string name(domain);
  if (is_digit(name.back()) && IpAddress::parse(name).ok()) return name;
  // A look-up in the list costs some 20 µs of a message's budget, and mail is from the same domains again and
  // again.
  static constexpr size_t remembered = 8192;
  thread_local std::unordered_map<std::string, std::string> known;
  if (const auto found = known.find(name); found != known.end()) return found->second;
  if (known.size() >= remembered) known.clear();
  const char* registered = psl_registrable_domain(psl_builtin(), name.c_str());
  return known.emplace(name, registered == nullptr ? name : registered).first->second;
}

bool is_free_mail(std::string_view domain) {
  return std::binary_search(free_mail.begin(), free_mail.end(), domain);
}

}  // namespace bonafide::mail
