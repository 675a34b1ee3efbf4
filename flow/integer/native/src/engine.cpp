// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Runs a plan on all images: blocks of images on threads, each with a workspace of its own.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "plan.hpp"

namespace steelflow {
namespace {

const Isa* const all_isas[] = {&portable, &avx2, &avx512};

struct Free {
    void operator()(std::uint8_t* memory) const { std::free(memory); }
};

using Memory = std::unique_ptr<std::uint8_t, Free>;

std::int64_t aligned(std::int64_t bytes) { return (bytes + slack + 63) / 64 * 64; }

// Time that this thread has worked; not what others took from it.
double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class Engine {
  public:
    Engine(const Plan& plan, const Isa& isa) : plan_(plan), isa_(isa) {}

    // Returns false when memory or threads run out.
    bool run(const std::uint8_t* images, std::int64_t count, std::int32_t* logits,
             std::int64_t threads, double* seconds) {
        const std::int64_t block = block_for(count, threads);
        std::atomic<std::int64_t> next{0};
        std::atomic<bool> failed{false};
        auto work = [&] {
            Memory memory = borrow();
            if (!memory) return failed.store(true);
            for (std::int64_t first; (first = next.fetch_add(block)) < count;)
                run_block(memory.get(), images + first * plan_.image_bytes,
                          std::min(block, count - first), logits + first * plan_.classes, seconds);
            give_back(std::move(memory));
        };
        const std::int64_t others = std::min(threads, (count + block - 1) / block) - 1;
        std::vector<std::thread> pool;
        try {
            for (std::int64_t i = 0; i < others; ++i) pool.emplace_back(work);
        } catch (const std::system_error&) {  // the threads that there are do the work
        }
        work();
        for (auto& thread : pool) thread.join();
        return !failed;
    }

  private:
    std::int64_t block_for(std::int64_t count, std::int64_t threads) const {
        const std::int64_t share = (count + threads - 1) / threads;
        return std::max<std::int64_t>(1, std::min(plan_.block, share));
    }

    Memory borrow() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!spare_.empty()) {
                Memory memory = std::move(spare_.back());
                spare_.pop_back();
                return memory;
            }
        }
        const auto bytes = static_cast<std::size_t>(
            aligned(plan_.arena_bytes) + aligned(plan_.gather_bytes) + aligned(plan_.sums_bytes) +
            aligned(plan_.row_bytes) + aligned(plan_.codes_bytes) +
            aligned(plan_.taps_bytes) + 64);
        void* memory = std::aligned_alloc(64, bytes);
        if (memory) std::memset(memory, 0, bytes);
        return Memory(static_cast<std::uint8_t*>(memory));
    }

    void give_back(Memory memory) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (spare_.size() < most_spare) spare_.push_back(std::move(memory));
    }

    void run_block(std::uint8_t* memory, const std::uint8_t* images, std::int64_t count,
                   std::int32_t* logits, double* seconds) const {
        Workspace space{};
        space.arena = memory + 64;  // bytes before the first row may be touched
        space.gathered = space.arena + aligned(plan_.arena_bytes);
        space.sums = space.gathered + aligned(plan_.gather_bytes);
        space.row = space.sums + aligned(plan_.sums_bytes);
        space.codes = space.row + aligned(plan_.row_bytes);
        space.taps = space.codes + aligned(plan_.codes_bytes);
        space.logits = logits;
        space.images = count;
        std::memcpy(space.arena + plan_.tensors[0].arena, images,
                    static_cast<std::size_t>(count * plan_.image_bytes));
        for (std::int64_t op = 0; op < plan_.op_count; ++op) {
            const double start = seconds ? thread_seconds() : 0.0;
            isa_.run(plan_, op, space);
            if (seconds) seconds[op] += thread_seconds() - start;
        }
    }

    static constexpr std::size_t most_spare = 64;
    const Plan plan_;
    const Isa& isa_;
    std::mutex mutex_;
    std::vector<Memory> spare_;
};

}  // namespace
}  // namespace steelflow

#define SF_API extern "C" __attribute__((visibility("default")))

using steelflow::all_isas;
using steelflow::Engine;

SF_API std::int64_t sf_abi() { return steelflow::abi_version; }

SF_API const char* sf_isa_name(std::int64_t isa) {
    return isa >= 0 && isa < 3 ? all_isas[isa]->name : nullptr;
}

SF_API std::int64_t sf_isa_available(std::int64_t isa) { return all_isas[isa]->available(); }

SF_API void* sf_create(const steelflow::Plan* plan, std::int64_t isa) {
    if (plan->abi != steelflow::abi_version) return nullptr;
    return new (std::nothrow) Engine(*plan, *all_isas[isa]);
}

SF_API void sf_destroy(void* engine) { delete static_cast<Engine*>(engine); }

// `seconds`, if not null, gathers the time of each operation; then threads must be 1.
SF_API std::int64_t sf_run(void* engine, const std::uint8_t* images, std::int64_t count,
                           std::int32_t* logits, std::int64_t threads, double* seconds) {
    return static_cast<Engine*>(engine)->run(images, count, logits, threads, seconds);
}

SF_API double sf_peak(std::int64_t isa, std::int64_t kind, std::int64_t planes,
                      std::int64_t iterations) {
    return all_isas[isa]->peak(kind, planes, iterations);
}
