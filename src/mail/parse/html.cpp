#include "mail/parse/html.hpp"

#include <algorithm>
#include <array>

#include "base/char_set.hpp"
#include "base/text.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_tag_name_bytes = 16;
constexpr size_t max_attribute_bytes = 8 * 1024;
constexpr size_t max_shown_bytes = 512;
constexpr size_t max_attributes = 100;  // of one tag that are looked at

// What elements do to the text around and inside them.
enum Does : uint8_t {
  block = 1,       // begins and ends a line
  apart = 2,       // stands apart from what comes before
  unseen = 4,      // holds no text to see
  raw = 8,         // the same, and "<" means nothing in it
  container = 16,  // hides what it holds where its style says so
  leads = 32,      // may lead somewhere
};
struct Element {
  std::string_view name;
  int does;
};
constexpr auto elements = std::to_array<Element>({{"a", container | leads},
                                                  {"address", block},
                                                  {"area", leads},
                                                  {"article", block},
                                                  {"aside", block},
                                                  {"blockquote", block},
                                                  {"body", block},
                                                  {"br", block},
                                                  {"button", leads},
                                                  {"center", block | container},
                                                  {"dd", block},
                                                  {"div", block | container},
                                                  {"dl", block},
                                                  {"dt", block},
                                                  {"fieldset", block},
                                                  {"font", container},
                                                  {"footer", block},
                                                  {"form", block | leads},
                                                  {"h1", block},
                                                  {"h2", block},
                                                  {"h3", block},
                                                  {"h4", block},
                                                  {"h5", block},
                                                  {"h6", block},
                                                  {"head", unseen},
                                                  {"header", block},
                                                  {"hr", block},
                                                  {"iframe", raw},
                                                  {"img", apart},
                                                  {"input", leads},
                                                  {"li", block},
                                                  {"main", block},
                                                  {"nav", block},
                                                  {"noembed", raw},
                                                  {"ol", block},
                                                  {"p", block | container},
                                                  {"pre", block},
                                                  {"script", raw},
                                                  {"section", block | container},
                                                  {"select", unseen},
                                                  {"span", container},
                                                  {"style", raw},
                                                  {"table", block | container},
                                                  {"td", apart | container},
                                                  {"template", unseen},
                                                  {"th", apart},
                                                  {"title", block | raw},
                                                  {"tr", block | container},
                                                  {"ul", block},
                                                  {"video", block}});
constexpr bool by_name(const Element& a, const Element& b) { return a.name < b.name; }
static_assert(std::is_sorted(elements.begin(), elements.end(), by_name));

// Where the elements of each first letter begin.
constexpr auto by_letter = [] {
  std::array<uint8_t, 27> places{};
  for (size_t letter = 0; letter < places.size(); ++letter) {
    size_t place = 0;
    while (place < elements.size() && elements[place].name[0] < static_cast<char>('a' + letter)) ++place;
    places[letter] = static_cast<uint8_t>(place);
  }
  return places;
}();

// By lower-case name, which begins with a letter.
int what_it_does(std::string_view name) {
  const auto letter = static_cast<size_t>(name[0] - 'a');
  for (size_t place = by_letter[letter]; place < by_letter[letter + 1]; ++place) {
    if (elements[place].name == name) return elements[place].does;
  }
  return 0;
}

constexpr CharSet ends_name(" \t\n\v\f\r/>");
constexpr CharSet ends_attribute(" \t\n\v\f\r=/>");
constexpr CharSet ends_value(" \t\n\v\f\r>");

// Has any property a value that begins like "none", "hidden" or "0"? Few styles have; the others need no
// reading.
bool may_hide(std::string_view style) {
  static constexpr CharSet begins("nNhH0");
  for (size_t colon = style.find(':'); colon != std::string_view::npos; colon = style.find(':', colon + 1)) {
    size_t value = colon + 1;
    while (value < style.size() && is_space(style[value])) ++value;
    if (value < style.size() && begins.has(style[value])) return true;
  }
  return false;
}

// Does this inline style make the element invisible?
bool style_hides(std::string_view style) {
  constexpr size_t max_bytes = 1024;
  style = style.substr(0, max_bytes);
  if (!may_hide(style)) return false;
  std::array<char, max_bytes> lower{};
  size_t length = 0;
  for (const char c : style) {
    if (!is_space(c)) lower[length++] = ascii_lower(c);
  }
  const std::string_view text(lower.data(), length);
  if (text.find("display:none") != std::string_view::npos ||
      text.find("visibility:hidden") != std::string_view::npos)
    return true;
  const size_t size = text.find("font-size:0");
  if (size == std::string_view::npos) return false;
  const auto after = text.substr(size + 11);
  return after.empty() || after[0] == ';' || after.starts_with("px") || after.starts_with("pt") ||
         after[0] == '!';
}

struct Tag {
  std::array<char, max_tag_name_bytes> letters{};
  std::string_view name;  // lower case, in `letters`
  int does = 0;
  bool closes = false;
  bool hidden = false;
  std::string_view target;  // href or action as written
};

class HtmlReader {
 public:
  HtmlReader(std::string_view html, Excerpt& excerpt, LinkList& links)
      : html_(html), excerpt_(excerpt), links_(links) {}

  void read() {
    while (at_ < html_.size()) {
      const size_t open = std::min(html_.find('<', at_), html_.size());
      if (open > at_) text(html_.substr(at_, open - at_));
      at_ = open;
      if (at_ < html_.size()) markup();
    }
    end_anchor();
  }

 private:
  [[nodiscard]] bool hidden() const { return !hidden_by_.empty(); }

  void text(std::string_view run) {
    if (hidden() || (excerpt_.full() && !in_anchor_)) return;
    if (in_anchor_ && shown_.size() < max_shown_bytes) {
      append_unescaped(run.substr(0, max_shown_bytes), shown_);
    }
    if (excerpt_.full()) return;
    // The excerpt needs no more than it can hold, references written out.
    if (run.find('&') == std::string_view::npos) return show(run);
    buffer_.clear();
    append_unescaped(run.substr(0, max_attribute_bytes), buffer_);
    show(buffer_);
  }

  void show(std::string_view run) {
    if (preformatted_) {
      excerpt_.lines(run);
    } else {
      excerpt_.flow(run);
    }
  }

  // "<" stands at at_.
  void markup() {
    const auto rest = html_.substr(at_ + 1);
    if (rest.starts_with("!--")) return skip_comment();
    if (!rest.empty() && (rest[0] == '!' || rest[0] == '?')) return skip_to('>');
    const bool closes = !rest.empty() && rest[0] == '/';
    const size_t name = closes ? 1 : 0;
    if (rest.size() > name && is_alpha(rest[name])) {
      at_ += 1 + name;
      Tag tag;
      tag.closes = closes;
      read_tag(tag);
      return closes ? end_tag(tag) : start_tag(tag);
    }
    if (closes) return skip_to('>');
    text(html_.substr(at_, 1));
    ++at_;
  }

  void skip_to(char end) {
    const size_t found = html_.find(end, at_);
    at_ = found == std::string_view::npos ? html_.size() : found + 1;
  }

  void skip_comment() {
    at_ += 4;
    // "<!-->" and "<!--->" are whole comments.
    if (html_.substr(at_, 1) == ">" || html_.substr(at_, 2) == "->") return skip_to('>');
    const size_t end = html_.find("--", at_);
    for (size_t dash = end; dash != std::string_view::npos; dash = html_.find("--", dash + 1)) {
      size_t after = dash + 2;
      if (after < html_.size() && html_[after] == '!') ++after;
      if (after < html_.size() && html_[after] == '>') {
        at_ = after + 1;
        return;
      }
    }
    at_ = html_.size();
  }

  // Reads the name and attributes up to and past ">".
  void read_tag(Tag& tag) {
    const size_t begin = at_;
    at_ = ends_name.find_in(html_, at_);
    const auto name = html_.substr(begin, std::min(at_ - begin, max_tag_name_bytes));
    std::transform(name.begin(), name.end(), tag.letters.begin(), [](char c) { return ascii_lower(c); });
    tag.name = {tag.letters.data(), name.size()};
    tag.does = what_it_does(tag.name);
    for (size_t count = 0; at_ < html_.size() && html_[at_] != '>'; ++count) {
      while (at_ < html_.size() && (is_space(html_[at_]) || html_[at_] == '/')) ++at_;
      if (at_ >= html_.size() || html_[at_] == '>') break;
      read_attribute(tag, count);
    }
    if (at_ < html_.size()) ++at_;
  }

  void read_attribute(Tag& tag, size_t count) {
    const size_t begin = at_;
    at_ = ends_attribute.find_in(html_, at_ + 1);  // a name may begin with anything, "=" too
    const auto name = html_.substr(begin, at_ - begin);
    size_t sign = at_;
    while (sign < html_.size() && is_space(html_[sign])) ++sign;
    std::string_view value;
    if (sign < html_.size() && html_[sign] == '=') {
      at_ = sign + 1;
      value = attribute_value();
    }
    if (count < max_attributes && !tag.closes) take_attribute(tag, name, value);
  }

  std::string_view attribute_value() {
    while (at_ < html_.size() && is_space(html_[at_])) ++at_;
    if (at_ >= html_.size()) return {};
    const char quote = html_[at_];
    if (quote == '"' || quote == '\'') {
      const size_t begin = ++at_;
      const size_t end = std::min(html_.find(quote, begin), html_.size());
      at_ = std::min(end + 1, html_.size());
      return html_.substr(begin, end - begin);
    }
    const size_t begin = at_;
    at_ = ends_value.find_in(html_, at_);
    return html_.substr(begin, at_ - begin);
  }

  static std::string_view target_attribute(std::string_view element) {
    return element == "form" ? "action" : element == "a" || element == "area" ? "href" : "formaction";
  }

  static void take_attribute(Tag& tag, std::string_view name, std::string_view value) {
    value = value.substr(0, max_attribute_bytes);
    const bool target = (tag.does & leads) != 0 && equals_ignoring_case(name, target_attribute(tag.name));
    if (target && tag.target.empty()) tag.target = value;
    if ((tag.does & container) == 0) return;
    if (equals_ignoring_case(name, "hidden")) tag.hidden = true;
    if (equals_ignoring_case(name, "style")) tag.hidden = tag.hidden || style_hides(value);
  }

  void start_tag(const Tag& tag) {
    if ((tag.does & block) != 0) excerpt_.line_break();
    if ((tag.does & apart) != 0) excerpt_.blank();
    if (!tag.target.empty()) link(tag);
    if ((tag.does & raw) != 0) return skip_raw(tag.name);
    // A forgotten </head>, and a paragraph, which ends where the next block begins.
    if (hidden_by_ == "head" && tag.name == "body") hidden_by_.clear();
    if (hidden_by_ == "p" && (tag.does & block) != 0 && tag.name != "br") hidden_by_.clear();
    if (hidden()) {
      if (tag.name == hidden_by_) ++hidden_depth_;
      return;
    }
    if (tag.name == "pre") preformatted_ = true;
    if ((tag.does & unseen) != 0 || tag.hidden) hide(tag.name);
  }

  void hide(std::string_view name) {
    hidden_by_ = name;
    hidden_depth_ = 1;
  }

  void end_tag(const Tag& tag) {
    if ((tag.does & block) != 0) excerpt_.line_break();
    if (tag.name == "a") end_anchor();
    if (tag.name == "pre") preformatted_ = false;
    if (hidden() && tag.name == hidden_by_ && --hidden_depth_ == 0) hidden_by_.clear();
  }

  // All up to the end tag of that name is passed over.
  void skip_raw(std::string_view name) {
    for (size_t open = html_.find("</", at_); open != std::string_view::npos;
         open = html_.find("</", open + 2)) {
      if (!starts_ignoring_case(html_.substr(open + 2), name)) continue;
      at_ = open;
      return skip_to('>');
    }
    at_ = html_.size();
  }

  void link(const Tag& tag) {
    end_anchor();
    target_.clear();
    append_unescaped(tag.target, target_);
    if (tag.name != "a" || hidden()) return links_.add(target_, "");
    in_anchor_ = true;
    shown_.clear();
  }

  void end_anchor() {
    if (!in_anchor_) return;
    in_anchor_ = false;
    plain_.clear();
    plain_.flow(shown_);
    links_.add(target_, plain_.text());
  }

  std::string_view html_;
  Excerpt& excerpt_;
  LinkList& links_;
  size_t at_ = 0;
  std::string hidden_by_;  // the element that hides what is read now; "" if none does
  int hidden_depth_ = 0;   // elements of that name inside of it, and itself
  bool preformatted_ = false;
  bool in_anchor_ = false;
  std::string target_, shown_, buffer_;
  Excerpt plain_{max_shown_bytes};  // what an anchor shows
};

}  // namespace

void read_html(std::string_view html, Excerpt& excerpt, LinkList& links) {
  HtmlReader(html, excerpt, links).read();
}

std::string html_charset(std::string_view html) {
  const std::string head = ascii_lower(html.substr(0, 1024));
  size_t at = head.find("charset");
  if (at == std::string::npos || head.find("<meta") > at) return "";
  at += 7;
  while (at < head.size() && (is_space(head[at]) || head[at] == '=' || head[at] == '"' || head[at] == '\''))
    ++at;
  const size_t end = std::min(head.find_first_of(" \t\r\n\"'>/;", at), head.size());
  return head.substr(at, end - at);
}

}  // namespace bonafide::mail
