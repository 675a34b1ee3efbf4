// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Takes gradients back through a plan; blocks of images go to threads.
#include "gradient.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <numeric>

#include "memory.hpp"
#include "plan.hpp"
#include "team.hpp"

namespace steelflow {
namespace {

class Gradient {
  public:
    Gradient(const GradientPlan& plan, const Isa& isa) : plan_(plan), isa_(isa) {}

    struct Batch {
        const std::uint8_t* trace;
        const float* logits;
        float* images;
        std::int64_t count;
    };

    // Returns false when memory runs out.
    bool run(const Batch& batch, std::int64_t threads) {
        const std::int64_t share = (batch.count + threads - 1) / threads;
        const std::int64_t block = std::max<std::int64_t>(1, std::min(plan_.block, share));
        std::atomic<std::int64_t> next{0};
        std::atomic<bool> failed{false};
        team_.run(std::min(threads, (batch.count + block - 1) / block) - 1, [&] {
            Memory memory = spare_.borrow(bytes());
            if (!memory) return failed.store(true);
            for (std::int64_t first; (first = next.fetch_add(block)) < batch.count;)
                run_block(memory.get(), batch, first, std::min(block, batch.count - first));
            spare_.give_back(std::move(memory));
        });
        return !failed;
    }

  private:
    // Of everything in a workspace, in order; all of 4 bytes.
    std::array<std::int64_t, 4> sizes() const {
        const std::int64_t entries = aligned(plan_.block * plan_.entries * 4);
        return {aligned(plan_.block * plan_.image_floats * 4), entries, entries,
                aligned(plan_.block * plan_.runs * 4)};
    }

    std::int64_t bytes() const {
        const auto all = sizes();
        return 64 + std::accumulate(all.begin(), all.end(), std::int64_t{0});
    }

    GradientSpace space_in(std::uint8_t* memory, const std::uint8_t* trace) const {
        const auto all = sizes();
        std::uint8_t* values = memory + 64;
        std::uint8_t* entries = values + all[0];
        std::uint8_t* channels = entries + all[1];
        return {reinterpret_cast<float*>(values), trace, reinterpret_cast<float*>(entries),
                reinterpret_cast<std::int32_t*>(channels),
                reinterpret_cast<std::int32_t*>(channels + all[2])};
    }

    void run_block(std::uint8_t* memory, const Batch& batch, std::int64_t first,
                   std::int64_t count) const {
        const GradientSpace space = space_in(memory, batch.trace + first * plan_.trace_bytes);
        std::memset(space.values, 0, static_cast<std::size_t>(count * plan_.image_floats) * 4);
        const Field& logits = plan_.fields[plan_.logits];
        for (std::int64_t i = 0; i < count; ++i)
            std::memcpy(space.values + i * plan_.image_floats + logits.begin,
                        batch.logits + (first + i) * logits.channels,
                        static_cast<std::size_t>(logits.channels) * 4);
        for (std::int64_t phase = 0, op = 0; phase < plan_.phase_count; ++phase) {
            const std::int64_t end = plan_.phases[phase].end, images = plan_.phases[phase].images;
            for (std::int64_t i = 0; i < count; i += images)
                for (std::int64_t own = op; own < end; ++own)
                    isa_.pull(plan_, own, space, i, std::min(count, i + images));
            op = end;
        }
        const std::int64_t size = image_size();
        for (std::int64_t i = 0; i < count; ++i)
            copy_image(space.values + i * plan_.image_floats, batch.images + (first + i) * size);
    }

    std::int64_t image_size() const {
        const Field& image = plan_.fields[plan_.image];
        return image.height * image.width * image.channels;
    }

    void copy_image(const float* values, float* to) const {
        const Field& image = plan_.fields[plan_.image];
        const std::int64_t line = image.width * image.channels;
        for (std::int64_t y = 0; y < image.height; ++y)
            std::memcpy(to + y * line, values + image.begin + y * image.line,
                        static_cast<std::size_t>(line) * 4);
    }

    const GradientPlan plan_;
    const Isa& isa_;
    Spare spare_;
    Team team_;
};

}  // namespace
}  // namespace steelflow

#define SF_API extern "C" __attribute__((visibility("default")))

SF_API std::int64_t sg_abi() { return steelflow::gradient_abi_version; }

SF_API void* sg_create(const steelflow::GradientPlan* plan, std::int64_t isa) {
    if (plan->abi != steelflow::gradient_abi_version) return nullptr;
    return new (std::nothrow) steelflow::Gradient(*plan, *steelflow::isa_of(isa));
}

SF_API void sg_destroy(void* gradient) { delete static_cast<steelflow::Gradient*>(gradient); }

// From float[count][K] to float[count][H][W][C]; 0 when memory runs out.
SF_API std::int64_t sg_run(void* gradient, const std::uint8_t* trace, const float* logits,
                           float* images, std::int64_t count, std::int64_t threads) {
    return static_cast<steelflow::Gradient*>(gradient)->run({trace, logits, images, count},
                                                            threads);
}
