#include "app/cli_pages.hpp"

#include <functional>

#include <CLI/CLI.hpp>

#include "base/text.hpp"

namespace bonafide::app {
namespace {

// "TEXT:{jsonl,avro}" → jsonl, avro: what CLI::IsMember makes of a list, or who gives hints.
std::vector<std::string> choices_of(const std::string& type) {
  std::vector<std::string> choices;
  const size_t open = type.find('{'), close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return choices;
  for (const auto choice : split(std::string_view(type).substr(open + 1, close - open - 1), ','))
    choices.emplace_back(trim(choice));
  return choices;
}

CliOption describe_option(const CLI::Option& option) {
  CliOption described;
  described.positional = option.get_positional();
  if (described.positional) described.names = {option.get_name(true)};
  for (const auto& name : option.get_lnames()) described.names.push_back("--" + name);
  for (const auto& name : option.get_snames()) described.names.push_back("-" + name);
  described.what = option.get_description();
  described.required = option.get_required();
  if (option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    described.choices = choices_of(type);
    described.value = type.substr(0, type.find_first_of(": "));
    if (described.value.empty()) described.value = "VALUE";
    if (const std::string preset = option.get_default_str(); !preset.empty())
      described.what += " (default: " + preset + ")";
  }
  return described;
}

CliCommand describe_command(const CLI::App& app, const std::string& path) {
  CliCommand command;
  command.path = path;
  command.what = app.get_description();
  command.examples = app.get_footer();
  if (command.examples.starts_with("Examples:\n")) command.examples.erase(0, 10);
  for (const auto* option : app.get_options()) command.options.push_back(describe_option(*option));
  for (const auto* verb : app.get_subcommands({}))
    command.commands.push_back(describe_command(*verb, (path.empty() ? "" : path + " ") + verb->get_name()));
  return command;
}

void each_command(const CliCommand& command, const std::function<void(const CliCommand&)>& act) {
  act(command);
  for (const auto& below : command.commands) each_command(below, act);
}

std::string last_word(const std::string& path) { return path.substr(path.rfind(' ') + 1); }

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// --- man

// Text for roff: nothing at the beginning of a line is a request, backslashes and hyphens are themselves.
std::string roff(const std::string& text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_begins = c == '\n';
  }
  return out;
}

std::string names_of(const CliOption& option) {
  std::string names;
  for (const auto& name : option.names) names += (names.empty() ? "\\fB" : "\\fR, \\fB") + roff(name);
  names += "\\fR";
  if (!option.value.empty() && !option.positional) names += " \\fI" + roff(option.value) + "\\fR";
  return names;
}

void add_option(std::string& page, const CliOption& option) {
  std::string what = option.what;
  if (!option.choices.empty() && what.find(option.choices.back()) == std::string::npos)
    what += (what.empty() ? "" : ": ") + join(option.choices, ", ");
  page += ".TP\n" + names_of(option) + "\n" + roff(what.empty() ? "required" : what) + "\n";
}

void add_verb(std::string& page, const CliCommand& command) {
  std::string usage = "bonafide " + command.path;
  std::string arguments;
  for (const auto& option : command.options) {
    if (!option.positional) continue;
    arguments += option.required ? " " + option.names[0] : " [" + option.names[0] + "]";
  }
  page += ".SS \"" + roff(usage + arguments) + "\"\n" + roff(command.what) + "\n";
  for (const auto& option : command.options) add_option(page, option);
  if (command.examples.empty()) return;
  page += ".PP\nExamples:\n.PP\n.nf\n" + roff(command.examples) + "\n.fi\n";
}

constexpr const char* man_end = R"(.SH FILES
.TP
\fIDATA/bonafide.yaml\fR, \fI/etc/bonafide/bonafide.yaml\fR
the configuration, where there is one; \fBbonafide config schema\fR describes every key
.TP
\fIDATA/run/addresses.json\fR
where the running service answers
.SH ENVIRONMENT
.TP
\fBNO_COLOR\fR
no colours, also on a terminal
.SH EXIT STATUS
As in sysexits(3): 0 yes, 1 no (\fBverify\fR found something, all is not well), 64 usage, 65 wrong input, 66 no such input,
69 no service answers, 70 our mistake, 75 try again later, 78 configuration.
)";

// --- completion

std::string bash_words(const std::vector<std::string>& words) {
  return "\"" + replace_all(join(words, " "), "\"", "\\\"") + "\"";
}

bool takes_folder(const CliOption& option) { return option.names[0] == "--data"; }

// The words of verbs that have been typed lead from place to place: "" → "avro" → "avro cat".
std::vector<std::string> steps_of(const CliCommand& program) {
  std::vector<std::string> steps;
  each_command(program, [&](const CliCommand& command) {
    for (const auto& below : command.commands)
      steps.push_back("\"" + command.path + " " + last_word(below.path) + "\"");
  });
  return steps;
}

std::string bash_script(const CliCommand& program) {
  std::string values, places;
  each_command(program, [&](const CliCommand& command) {
    std::vector<std::string> verbs, options, hints;
    for (const auto& below : command.commands) verbs.push_back(last_word(below.path));
    for (const auto& option : command.options) {
      if (option.positional) {
        hints.insert(hints.end(), option.choices.begin(), option.choices.end());
        continue;
      }
      options.insert(options.end(), option.names.begin(), option.names.end());
      if (option.value.empty()) continue;
      for (const auto& name : option.names) {
        values += "    \"" + command.path + " " + name + "\") ";
        values += takes_folder(option) ? "COMPREPLY=($(compgen -d -- \"$cur\")); return"
                  : option.choices.empty()
                      ? "COMPREPLY=($(compgen -f -- \"$cur\")); return"
                      : "COMPREPLY=($(compgen -W " + bash_words(option.choices) + " -- \"$cur\")); return";
        values += " ;;\n";
      }
    }
    verbs.insert(verbs.end(), hints.begin(), hints.end());
    places += "    \"" + command.path + "\") verbs=" + bash_words(verbs) + " options=" + bash_words(options) +
              " ;;\n";
  });
  return R"(# bash completion of bonafide: made by `bonafide completion bash`. Read it with
#   source <(bonafide completion bash)
_bonafide() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= verbs= options= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${COMP_WORDS[i]}" in
      )" +
         join(steps_of(program), "|") +
         R"() path="${path:+$path }${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$path $prev" in
)" + values +
         R"(  esac
  case "$path" in
)" + places +
         R"(  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
  fi
}
complete -o default -F _bonafide bonafide
)";
}

std::string zsh_item(const std::string& name, const std::string& what) {
  return "'" + replace_all(replace_all(name, ":", "\\:") + ":" + what, "'", "'\\''") + "'";
}

std::string zsh_script(const CliCommand& program) {
  std::string values, places;
  each_command(program, [&](const CliCommand& command) {
    std::string verbs, options;
    for (const auto& below : command.commands) verbs += " " + zsh_item(last_word(below.path), below.what);
    for (const auto& option : command.options) {
      for (const auto& choice : option.positional ? option.choices : std::vector<std::string>())
        verbs += " " + zsh_item(choice, option.names[0]);
      if (option.positional) continue;
      for (const auto& name : option.names) {
        options += " " + zsh_item(name, option.what);
        if (option.value.empty()) continue;
        values += "    (\"" + command.path + " " + name + "\") ";
        values += takes_folder(option)     ? "_files -/"
                  : option.choices.empty() ? "_files"
                                           : "compadd -- " + join(option.choices, " ");
        values += "; return ;;\n";
      }
    }
    places += "    (\"" + command.path + "\") verbs=(" + verbs + " ) options=(" + options + " ) ;;\n";
  });
  return R"(#compdef bonafide
# zsh completion of bonafide: made by `bonafide completion zsh`. Put it as _bonafide into a folder of $fpath, or read it with
#   source <(bonafide completion zsh)
_bonafide() {
  local path_= i
  local -a verbs options
  for ((i = 2; i < CURRENT; i++)); do
    case "$path_ ${words[i]}" in
      ()" +
         join(steps_of(program), "|") +
         R"() path_="${path_:+$path_ }${words[i]}" ;;
    esac
  done
  case "$path_ ${words[CURRENT-1]}" in
)" + values +
         R"(  esac
  case "$path_" in
)" + places +
         R"(  esac
  if [[ ${words[CURRENT]} == -* ]]; then
    _describe -o option options
  elif (( $#verbs )); then
    _describe verb verbs
  else
    _files
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _bonafide "$@"; else compdef _bonafide bonafide; fi
)";
}

std::string fish_quoted(const std::string& text) {
  return "'" + replace_all(replace_all(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_script(const CliCommand& program) {
  std::string lines;
  each_command(program, [&](const CliCommand& command) {
    const std::string here = "complete -c bonafide -n '__bonafide_at \"" + command.path + "\"'";
    for (const auto& below : command.commands)
      lines += here + " -f -a " + last_word(below.path) + " -d " + fish_quoted(below.what) + "\n";
    for (const auto& option : command.options) {
      if (option.positional) {
        if (!option.choices.empty())
          lines += here + " -f -a " + fish_quoted(join(option.choices, " ")) + "\n";
        continue;
      }
      lines += here;
      for (const auto& name : option.names)
        lines += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!option.value.empty())
        lines += option.choices.empty() ? " -r" : " -x -a " + fish_quoted(join(option.choices, " "));
      lines += " -d " + fish_quoted(option.what) + "\n";
    }
  });
  std::string steps;
  for (const auto& step : steps_of(program)) steps += " " + step;
  return R"(# fish completion of bonafide: made by `bonafide completion fish`. Read it with
#   bonafide completion fish | source
function __bonafide_at
  set -l path ''
  for word in (commandline -opc)[2..-1]
    switch "$path $word"
      case)" +
         steps + R"(
        set path (string trim "$path $word")
    end
  end
  test "$path" = "$argv[1]"
end
)" + lines;
}

}  // namespace

CliCommand describe(const CLI::App& app) { return describe_command(app, ""); }

std::string man_page(const CliCommand& program, const std::string& version) {
  std::string page =
      ".\\\" Made by `bonafide man` from the definitions of the command line.\n.TH BONAFIDE 1 \"\" "
      "\"bonafide " +
      roff(version) + "\" \"User Commands\"\n.SH NAME\nbonafide \\- e\\-mail trust pipeline\n" +
      ".SH SYNOPSIS\n\\fBbonafide\\fR \\fIVERB\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n" +
      ".SH DESCRIPTION\n" + roff(program.what) + "\n.SH OPTIONS\n";
  for (const auto& option : program.options) add_option(page, option);
  page += ".SH VERBS\n";
  each_command(program, [&](const CliCommand& command) {
    if (!command.path.empty() && command.commands.empty()) add_verb(page, command);
  });
  return page + man_end;
}

std::string completion(const CliCommand& program, const std::string& shell) {
  if (shell == "bash") return bash_script(program);
  if (shell == "zsh") return zsh_script(program);
  if (shell == "fish") return fish_script(program);
  return "";
}

}  // namespace bonafide::app
