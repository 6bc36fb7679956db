// Links: mail_parse
//
// What it costs to turn raw mail into facts: CPU microseconds a message, for messages like those of a
// company's inbound stream, made here.
//
//   mail_parse_bench [ROUNDS]
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/resource.h>

#include "base/text.hpp"
#include "mail/parse/parse.hpp"

namespace {

using namespace bonafide;

std::string headers(const std::string& content) {
  return "Return-Path: <ann@example.org>\r\n"
         "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=example.org;\r\n"
         " dkim=pass header.d=example.org; dmarc=pass header.from=example.org\r\n"
         "Received: from mail.example.org (mail.example.org [192.0.2.25]) by mx.example.net (Postfix)\r\n"
         " with ESMTPS id 4B3C2 for <bob@example.net>; Fri, 3 Jan 2025 09:00:05 +0000 (UTC)\r\n"
         "Received: from relay.example.org (relay.example.org [10.1.0.4]) by mail.example.org (Postfix)\r\n"
         " with ESMTP id 0A1B2; Fri, 3 Jan 2025 10:00:03 +0100 (CET)\r\n"
         "Received: from [10.1.2.3] (helo=desk) by relay.example.org with esmtpsa (Exim 4.96) id 1tTg;\r\n"
         " Fri, 03 Jan 2025 10:00:02 +0100\r\n"
         "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s2024; t=1735894800;\r\n"
         " h=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n b=" +
         std::string(340, 'A') +
         "\r\nFrom: =?utf-8?q?Ann_Ex=C3=A4mple?= <ann@example.org>\r\nTo: Bob Sample <bob@example.net>, "
         "carol@example.net\r\n"
         "Cc: Dave <dave@example.net>, list@lists.example.com\r\nSubject: Re: Minutes of the meeting on "
         "Friday\r\n"
         "Date: Fri, 3 Jan 2025 10:00:00 +0100\r\nMessage-ID: <20250103100000.4711@mail.example.org>\r\n"
         "In-Reply-To: <a1@example.net>\r\nReferences: <a0@example.net> <a1@example.net>\r\nMIME-Version: "
         "1.0\r\n"
         "User-Agent: Desk Mail 102.3\r\nContent-Type: " +
         content;
}

std::string lines(const std::string& line, size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += line;
  return out;
}

std::string plain_message() {
  return headers("text/plain; charset=utf-8\r\n\r\n") +
         lines("> The quick brown fox jumps over the lazy dog; see https://example.org/x.\r\n", 1000) +
         lines("The quick brown fox jumps over the lazy dog, and nobody wonders any more.\r\n", 6500);
}

std::string html_message() {
  return headers(
             "multipart/alternative; boundary=\"b1_x\"\r\n\r\n--b1_x\r\nContent-Type: text/plain; "
             "charset=utf-8\r\n\r\n") +
         lines("The quick brown fox jumps over the lazy dog.\r\n", 2000) +
         "--b1_x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: "
         "quoted-printable\r\n\r\n" +
         lines(
             "<tr><td style=3D\"padding:4px\"><a href=3D\"https://example.org/a?b=3D1\">Sch=C3=B6n</a> &amp; "
             "gut</td></t=\r\nr>\r\n",
             5500) +
         "--b1_x--\r\n";
}

std::string attachment_message() {
  std::string bytes;
  for (int i = 0; i < 75'000; ++i) bytes += static_cast<char>(i * 31 >> 3);
  const std::string base64 = to_base64(bytes);
  std::string wrapped;
  for (size_t at = 0; at < base64.size(); at += 76) wrapped += base64.substr(at, 76) + "\r\n";
  return headers(
             "multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nsee the file\r\n--m\r\nContent-Type: "
             "application/pdf; name=a.pdf\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\n") +
         wrapped + "--m--\r\n";
}

double cpu_micros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void measure(const char* name, const std::string& raw, int rounds) {
  mail::Parser parser;
  mail::Parsed parsed;
  mail::Edge edge;
  edge.mode = mail::Edge::Mode::auto_;
  parser.parse(raw, edge, parsed);
  const double begin = cpu_micros();
  for (int i = 0; i < rounds; ++i) parser.parse(raw, edge, parsed);
  const double each = (cpu_micros() - begin) / rounds;
  std::printf("%-12s %7zu bytes  %8.1f us  %7.0f MB/s\n", name, raw.size(), each,
              static_cast<double>(raw.size()) / each);
}

}  // namespace

int main(int count, char** words) {
  const int rounds = count > 1 ? std::atoi(words[1]) : 5000;
  measure("plain", plain_message(), rounds);
  measure("html", html_message(), rounds);
  measure("attachment", attachment_message(), rounds / 10 + 1);
}
