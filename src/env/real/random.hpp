#pragma once
#include <array>

#include "env/random.hpp"

namespace bonafide::env {

/// Numbers from the kernel (getrandom(2)), fit for keys. Fetched 512 bytes at a time.
class RealRandom final : public Random {
 public:
  uint64_t next() override;

 private:
  std::array<uint64_t, 64> pool_{};
  size_t left_ = 0;
};

}  // namespace bonafide::env
