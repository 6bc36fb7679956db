#pragma once
#include <map>
#include <string>

namespace bonafide::app {

/// docs/components: a page in Markdown for each section of the configuration and each step and sink that a
/// topology can name, and README.md, which lists them. From the fields alone, so that they say what holds.
std::map<std::string, std::string> component_pages();

}  // namespace bonafide::app
