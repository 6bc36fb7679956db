#include "mail/parse/body.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/parse/html.hpp"

namespace bonafide::mail {
namespace {

constexpr Limits limits;
constexpr size_t slice_bytes = size_t{32} << 10;           // decoded and hashed while they are in the cache
constexpr size_t max_text_bytes = size_t{1024} << 10;      // of a text part that is read for links
constexpr size_t max_all_text_bytes = 4 * max_text_bytes;  // of all of them
constexpr size_t max_all_names_bytes = size_t{24} << 10;   // of all parts, so that the event keeps its bound

// What the composition calls a type: the sub-type alone.
std::string_view short_type(std::string_view type) { return type.substr(type.find('/') + 1); }

bool is_readable(const Content& content) {
  return content.disposition != "attachment" && (content.type == "text/plain" || content.type == "text/html");
}

}  // namespace

void add_malformed(Facts& facts, std::string_view phrase) {
  auto& all = facts.malformed;
  if (std::find(all.begin(), all.end(), phrase) == all.end()) all.emplace_back(phrase);
}

void add_cut(Facts& facts, std::string_view what, size_t total, size_t kept, ByteView all) {
  Cut cut{std::string(what), static_cast<int64_t>(total), static_cast<int64_t>(kept), {}};
  if (!all.empty()) cut.sha256.data = view(sha256(all));
  facts.cuts.push_back(std::move(cut));
}

class BodyReader::Visitor final : public PartVisitor {
 public:
  Visitor(BodyReader& reader, Charsets& charsets, Facts& facts)
      : reader_(reader), charsets_(charsets), facts_(facts), excerpt_(reader.excerpt_), links_(facts.links) {
    excerpt_.clear();
  }

  void begin(const Content& content) override {
    begin_child();
    separate();
    add_structure(short_type(content.type));
    add_structure("(");
    first_child_ = true;
    Open open;
    open.alternative = content.type == "multipart/alternative";
    open.mark = excerpt_.mark();
    if (content.is_attached_message()) open.part = add_part(content);
    open_.push_back(std::move(open));
  }

  void end(ByteView bytes) override {
    end_child();
    const auto open = std::move(open_.back());
    open_.pop_back();
    if (open.part != no_part) {
      facts_.parts[open.part].size_bytes = static_cast<int64_t>(bytes.size());
      facts_.parts[open.part].sha256.data = view(sha256(bytes));
    }
    add_structure(")");
    first_child_ = false;
  }

  void leaf(const Content& content, ByteView bytes) override {
    begin_child();
    separate();
    add_structure(short_type(content.type));
    const size_t part = add_part(content);
    // Parts past the bound are counted only: a message of a million parts must not cost a million hashes.
    if (part == no_part) return;
    read_leaf(content, bytes, facts_.parts[part]);
  }

  void finish() {
    end_child();
    facts_.structure = clean_text(structure_, limits.text_bytes);
    facts_.excerpt = clean_text(excerpt_.text(), limits.excerpt_bytes, true);
    if (parts_ > facts_.parts.size()) add_cut(facts_, "parts", parts_, facts_.parts.size());
    if (links_.total() > facts_.links.size()) add_cut(facts_, "links", links_.total(), facts_.links.size());
    if (text_total_ > text_kept_) add_cut(facts_, "text", text_total_, text_kept_);
  }

 private:
  static constexpr size_t no_part = SIZE_MAX;

  // A multipart or attached message that is open.
  struct Open {
    bool alternative = false;
    size_t mark = 0;        // where its text begins in the excerpt
    std::string before;     // text of an earlier alternative, which the one under way may replace
    size_t part = no_part;  // of an attached message
  };

  // Of alternatives a reader sees the last one he can (RFC 2046 5.1.4): its text takes the place of those
  // before.
  void begin_child() {
    if (open_.empty() || !open_.back().alternative) return;
    end_child();
    Open& open = open_.back();
    if (excerpt_.mark() > open.mark) open.before = excerpt_.take_since(open.mark);
  }
  void end_child() {
    if (open_.empty() || !open_.back().alternative) return;
    Open& open = open_.back();
    if (excerpt_.mark() == open.mark) excerpt_.put_back(open.before);
    open.before.clear();
  }

  void separate() {
    if (!open_.empty() && !first_child_) add_structure(",");
    first_child_ = false;
  }
  void add_structure(std::string_view text) {
    if (structure_.size() < limits.text_bytes) structure_ += text;
  }

  // Index of the new part, no_part if the bound is reached.
  size_t add_part(const Content& content) {
    ++parts_;
    const size_t bytes = content.type.size() + content.name.size() + content.charset.size() + 48;
    if (facts_.parts.size() >= limits.parts || names_bytes_ + bytes > max_all_names_bytes) return no_part;
    names_bytes_ += bytes;
    Part& part = facts_.parts.emplace_back();
    part.type = content.type;
    part.name = content.name;
    part.disposition = content.disposition;
    part.charset = content.charset;
    return facts_.parts.size() - 1;
  }

  void read_leaf(const Content& content, ByteView bytes, Part& part) {
    const bool readable = is_readable(content);
    const size_t keep = readable ? std::min(max_text_bytes, max_all_text_bytes - text_kept_) : 0;
    using Encoding = TransferDecoder::Encoding;
    if (content.encoding == Encoding::unknown) add_malformed(facts_, "unknown transfer encoding");
    ByteView text;
    if (content.encoding == Encoding::identity || content.encoding == Encoding::unknown) {
      part.size_bytes = static_cast<int64_t>(bytes.size());
      part.sha256.data = view(sha256(bytes));
      text = bytes.substr(0, keep);
    } else {
      decode(content, bytes, keep, part);
      text = reader_.decoded_;
    }
    if (!readable) return;
    text_total_ += static_cast<size_t>(part.size_bytes);
    text_kept_ += text.size();
    if (text.find('\0') != ByteView::npos && Charsets::keeps_ascii(content.charset))
      add_malformed(facts_, "NUL in text");
    show(content, text);
  }

  // Decodes slice by slice into decoded_, of which the first `keep` bytes stay.
  void decode(const Content& content, ByteView bytes, size_t keep, Part& part) {
    std::string& out = reader_.decoded_;
    out.clear();
    TransferDecoder decoder(content.encoding);
    size_t kept = 0, total = 0;
    do {
      const auto slice = bytes.substr(0, slice_bytes);
      const bool last = slice.size() == bytes.size();
      bytes.remove_prefix(decoder.decode(slice, last, out));
      reader_.hash_.update(ByteView(out).substr(kept));
      total += out.size() - kept;
      if (out.size() > keep) out.resize(std::max(kept, keep));
      kept = out.size();
    } while (!bytes.empty());
    const auto digest = reader_.hash_.finish();
    part.size_bytes = static_cast<int64_t>(total);
    part.sha256.data = view(digest);
    if (decoder.broken()) {
      add_malformed(facts_, content.encoding == TransferDecoder::Encoding::base64
                                ? "broken base64"
                                : "broken quoted-printable");
    }
  }

  void show(const Content& content, ByteView bytes) {
    const bool html = content.type == "text/html";
    const std::string charset = content.charset.empty() && html ? html_charset(bytes) : content.charset;
    ByteView text = bytes;
    if (!is_utf8(bytes) || !Charsets::keeps_ascii(charset)) {
      reader_.text_.clear();
      if (!charsets_.append_utf8(charset, bytes, reader_.text_)) add_malformed(facts_, "unknown charset");
      text = reader_.text_;
    }
    excerpt_.line_break();
    if (html) {
      read_html(text, excerpt_, links_);
    } else {
      find_links(text, links_);
      excerpt_.lines(text);
    }
  }

  BodyReader& reader_;
  Charsets& charsets_;
  Facts& facts_;
  Excerpt& excerpt_;
  LinkList links_;
  std::vector<Open> open_;
  std::string structure_;
  bool first_child_ = true;
  size_t parts_ = 0, names_bytes_ = 0;
  size_t text_total_ = 0, text_kept_ = 0;
};

void BodyReader::read(const HeaderBlock& headers, ByteView body, Charsets& charsets, Facts& facts) {
  Visitor visitor(*this, charsets, facts);
  const uint32_t flaws = walker_.walk(headers, body, charsets, visitor);
  visitor.finish();
  struct Phrase {
    uint32_t flaw;
    std::string_view text;
  };
  static constexpr auto phrases =
      std::to_array<Phrase>({{MimeWalker::no_boundary, "multipart without boundary"},
                             {MimeWalker::boundary_not_found, "multipart boundary not found"},
                             {MimeWalker::not_closed, "multipart not closed"},
                             {MimeWalker::too_deep, "nested too deep"},
                             {MimeWalker::too_many, "too many parts"},
                             {MimeWalker::part_headers, "unreadable Content header"}});
  for (const auto& phrase : phrases) {
    if ((flaws & phrase.flaw) != 0) add_malformed(facts, phrase.text);
  }
}

}  // namespace bonafide::mail
