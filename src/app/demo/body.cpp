#include "app/demo/body.hpp"

#include "app/demo/encode.hpp"

namespace bonafide::app::demo {
namespace {

constexpr size_t wrap_column = 72;

std::vector<std::string> paragraphs_of(uint64_t seed, int count, Topic topic, Language language) {
  Dice dice(seed);
  std::vector<std::string> all(static_cast<size_t>(count));
  for (std::string& one : all) append_paragraph(one, dice, topic, language);
  return all;
}

struct Link {
  std::string url;
  std::string_view shown;
};

std::vector<Link> links_of(const Draft& draft) {
  Dice dice(derive(draft.text_seed, "links"));
  std::vector<Link> all;
  for (int i = 0; i < draft.links; ++i) {
    std::string url = "https://" + draft.link_host + dice.form("/%l4/");
    const auto length = static_cast<size_t>(dice.between(6, 24));
    dice.append(url, lower_alnum, length);
    all.push_back({std::move(url), draw_link_text(dice)});
  }
  return all;
}

std::string attribution(const Post& post) {
  std::string out = "On ";
  append_date(out, post.at, post.offset);
  out.resize(out.size() - 9);  // without seconds and zone
  return out + " " + post.author + " wrote:";
}

/// What of the earlier post is quoted: at most its first four paragraphs.
std::vector<std::string> quoted(const Post& post) {
  return paragraphs_of(post.text_seed, std::min(post.paragraphs, 4), post.topic, post.language);
}

struct Parts {
  std::string_view greeting, closing;
  std::vector<std::string> paragraphs;
  std::vector<Link> links;
};

bool wraps(const Draft& draft) { return mailer(draft.mailer).coding == Coding::plain; }

void append_plain(std::string& out, const Draft& draft, const Parts& parts) {
  const size_t width = wraps(draft) ? wrap_column : 100'000;
  if (draft.greets) {
    out += parts.greeting;
    out += "\n\n";
  }
  size_t link = 0;
  for (const std::string& paragraph : parts.paragraphs) {
    append_wrapped(out, paragraph, width, "");
    if (link < parts.links.size()) out += parts.links[link++].url + "\n";
    out += '\n';
  }
  for (; link < parts.links.size(); ++link) out += parts.links[link].url + "\n";
  if (draft.greets) {
    out += parts.closing;
    out += "\n";
  }
  if (!draft.signature.empty()) {
    out += "\n-- \n";
    for (const std::string& line : draft.signature) out += line + "\n";
  }
  if (draft.quote) {
    out += "\n" + attribution(*draft.quote) + "\n";
    for (const std::string& paragraph : quoted(*draft.quote))
      append_wrapped(out, paragraph, wraps(draft) ? wrap_column : 100'000, "> ");
  }
  if (!draft.list_id.empty()) {
    out += "\n_______________________________________________\n" + draft.list_name + " mailing list\n" +
           draft.list_address + "\n";
  }
}

void append_link(std::string& out, const Link& link, std::string_view style) {
  out += "<a href=\"" + link.url + "\"";
  out += style;
  out += ">";
  out += link.shown;
  out += "</a>";
}

void append_letter(std::string& out, const Draft& draft, const Parts& parts) {
  out +=
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n"
      "<style type=\"text/css\">\nbody{margin:0;padding:0;background:#f3f4f6}\n.box{width:600px;margin:0 "
      "auto;background:#ffffff}\n"
      ".head{font-size:22px;padding:24px}\n@media only screen and "
      "(max-width:620px){.box{width:100%!important}}\n</style></head><body>\n"
      "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><td "
      "align=\"center\">\n"
      "<table role=\"presentation\" class=\"box\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n<tr><td "
      "class=\"head\">";
  append_html_text(out, draft.subject);
  out += "</td></tr>\n";
  size_t link = 0;
  for (const std::string& paragraph : parts.paragraphs) {
    out +=
        "<tr><td style=\"padding:0 24px 18px "
        "24px;font-family:Helvetica,Arial,sans-serif;font-size:15px;line-height:22px;color:#1f2937\">";
    append_html_text(out, paragraph);
    out += "</td></tr>\n";
    if (link < parts.links.size()) {
      out += "<tr><td style=\"padding:0 24px 24px 24px\">";
      append_link(out, parts.links[link++],
                  " style=\"display:inline-block;padding:10px "
                  "18px;background:#0f766e;color:#ffffff;text-decoration:none;border-radius:4px\"");
      out += "</td></tr>\n";
    }
    out +=
        "<tr><td style=\"padding:0 24px\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
        "cellspacing=\"0\" border=\"0\"><tr>"
        "<td style=\"border-top:1px solid "
        "#e5e7eb;font-size:1px;line-height:1px\">&nbsp;</td></tr></table></td></tr>\n";
  }
  out +=
      "<tr><td style=\"padding:24px;font-size:12px;color:#6b7280\">You receive this because you subscribed. ";
  out += "<a href=\"https://" + draft.link_host +
         "/u/1\">Unsubscribe</a></td></tr>\n</table></td></tr></table></body></html>\n";
}

void append_html(std::string& out, const Draft& draft, const Parts& parts) {
  if (draft.letter) return append_letter(out, draft, parts);
  out += "<html><head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\n";
  if (draft.mailer == MailerKind::outlook || draft.mailer == MailerKind::office_cloud) {
    out +=
        "<style><!--\n@font-face\n\t{font-family:Calibri;\n\tpanose-1:2 15 5 2 2 2 4 3 2 4;}\np.MsoNormal, "
        "li.MsoNormal, div.MsoNormal\n"
        "\t{margin:0cm;\n\tfont-size:11.0pt;\n\tfont-family:\"Calibri\",sans-serif;}\n@page "
        "WordSection1\n\t{size:612.0pt 792.0pt;\n"
        "\tmargin:70.85pt 70.85pt 2.0cm 70.85pt;}\n--></style>\n";
  }
  out += "</head><body>\n";
  const bool word = draft.mailer == MailerKind::outlook || draft.mailer == MailerKind::office_cloud;
  const std::string_view open = word ? "<p class=\"MsoNormal\">" : "<div>";
  const std::string_view close = word ? "</p>\n" : "</div>\n<div><br></div>\n";
  const auto line = [&](std::string_view text) {
    out += open;
    append_html_text(out, text);
    out += close;
  };
  if (draft.greets) line(parts.greeting);
  size_t link = 0;
  for (const std::string& paragraph : parts.paragraphs) {
    line(paragraph);
    if (link >= parts.links.size()) continue;
    out += open;
    append_link(out, parts.links[link++], "");
    out += close;
  }
  for (; link < parts.links.size(); ++link) append_link(out, parts.links[link], "");
  if (draft.greets) line(parts.closing);
  for (const std::string& text : draft.signature) {
    append_html_text(out, text);
    out += "<br>\n";
  }
  if (draft.logo) out += "<img src=\"cid:logo\" width=\"160\" height=\"40\" alt=\"\">\n";
  if (draft.quote) {
    line(attribution(*draft.quote));
    out +=
        "<blockquote type=\"cite\" style=\"margin:0 0 0 .8ex;border-left:1px #ccc "
        "solid;padding-left:1ex\">\n";
    for (const std::string& paragraph : quoted(*draft.quote)) line(paragraph);
    out += "</blockquote>\n";
  }
  out += "</body></html>\n";
}

}  // namespace

void write_body(Body& body, const Draft& draft) {
  Dice dice(derive(draft.text_seed, "salutation"));
  const Parts parts{draw_greeting(dice, draft.language), draw_closing(dice, draft.language),
                    paragraphs_of(draft.text_seed, draft.paragraphs, draft.topic, draft.language),
                    links_of(draft)};
  body.plain.clear();
  body.html.clear();
  append_plain(body.plain, draft, parts);
  if (draft.html) append_html(body.html, draft, parts);
}

}  // namespace bonafide::app::demo
