// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Workspaces of threads, kept for the next call.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "plan.hpp"

namespace steelflow {

struct Free {
    void operator()(std::uint8_t* memory) const { std::free(memory); }
};

using Memory = std::unique_ptr<std::uint8_t, Free>;

constexpr std::int64_t aligned(std::int64_t bytes) { return (bytes + slack + 63) / 64 * 64; }

// Of one size, which every call names.
class Spare {
  public:
    // Returns null when memory runs out.
    Memory borrow(std::int64_t bytes) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!spare_.empty()) {
                Memory memory = std::move(spare_.back());
                spare_.pop_back();
                return memory;
            }
        }
        void* memory = std::aligned_alloc(64, static_cast<std::size_t>(bytes));
        if (memory) std::memset(memory, 0, static_cast<std::size_t>(bytes));
        return Memory(static_cast<std::uint8_t*>(memory));
    }

    void give_back(Memory memory) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (spare_.size() < most_spare) spare_.push_back(std::move(memory));
    }

  private:
    static constexpr std::size_t most_spare = 64;
    std::mutex mutex_;
    std::vector<Memory> spare_;
};

}  // namespace steelflow
