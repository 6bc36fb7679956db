#include "env/real/random.hpp"

#include <cerrno>
#include <cstdlib>

#include <sys/random.h>

namespace bonafide::env {

uint64_t RealRandom::next() {
  if (left_ == 0) {
    auto* out = reinterpret_cast<char*>(pool_.data());
    size_t filled = 0;
    while (filled < sizeof pool_) {
      const ssize_t got = getrandom(out + filled, sizeof pool_ - filled, 0);
      if (got > 0) filled += static_cast<size_t>(got);
      // Without random numbers nothing may go on: keys made now would be guessable.
      else if (errno != EINTR)
        std::abort();
    }
    left_ = pool_.size();
  }
  return pool_[--left_];
}

}  // namespace bonafide::env
