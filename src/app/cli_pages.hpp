#pragma once
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace bonafide::app {

/// The command line as it is defined, for what is made from it: man page and completion.
struct CliOption {
  std::vector<std::string> names;  ///< "--follow", "-f"; of a positional its name alone
  std::string what, value;         ///< "" value: a flag
  std::vector<std::string> choices;
  bool positional = false, required = false;
};
struct CliCommand {
  std::string path;  ///< "avro cat"; "" for the program itself
  std::string what, examples;
  std::vector<CliOption> options;
  std::vector<CliCommand> commands;
};
CliCommand describe(const CLI::App& app);

/// A page for man(1), in roff.
std::string man_page(const CliCommand& program, const std::string& version);
/// A script for the shell to read. "" for a shell that is not known.
std::string completion(const CliCommand& program, const std::string& shell);

}  // namespace bonafide::app
