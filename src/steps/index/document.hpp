#pragma once
#include <string>

#include "mail/change.hpp"
#include "stores/sqlite/search_store.hpp"

namespace bonafide::steps {

/// A change as the index takes it. Keeps its memory for the next one.
class Document {
 public:
  /// The view is good until the next call or the end of `change`.
  stores::SearchDoc of(const mail::Change& change);

 private:
  std::string sender_, recipients_, files_, links_;
};

}  // namespace bonafide::steps
