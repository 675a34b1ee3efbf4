// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Runs a plan on all images. Blocks of images go to threads, each with a workspace of its own; of
// fewer images than threads, every operation's rows are shared out in parts.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <iterator>
#include <mutex>
#include <new>
#include <vector>

#include "memory.hpp"
#include "plan.hpp"
#include "team.hpp"

namespace steelflow {

const Isa* isa_of(std::int64_t number) {
    static constexpr const Isa* all[] = {&portable, &avx2, &avx512, &neon, &neon_dot};
    return number >= 0 && number < std::ssize(all) ? all[number] : nullptr;
}

namespace {

// Time that this thread has worked; not what others took from it.
double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Rough work of one row of an operation's output, in products of registers.
std::int64_t work_of_row(const Plan& plan, const Op& op) {
    if (op.panels) return op.steps * op.panels * op.groups;
    const std::int64_t taps = std::max<std::int64_t>(1, op.kernel_height * op.kernel_width);
    const std::int64_t channels = plan.tensors[op.output].channels;
    const std::int64_t inputs = plan.tensors[op.inputs[0]].channels;
    return taps * channels * (op.kind == kind_matrix ? inputs / op.groups : 1) / lanes + 1;
}

class Engine {
  public:
    Engine(const Plan& plan, const Isa& isa) : plan_(plan), isa_(isa) {}

    // Returns false when memory runs out.
    bool run(const std::uint8_t* images, std::int64_t count, std::int32_t* logits,
             std::uint8_t* trace, std::int64_t threads, double* seconds) {
        const Batch batch{images, count, logits, trace};
        const bool few = count && count < threads && count <= plan_.block;
        if (few && !trace && splits(count, threads))
            return run_parts(batch, threads);
        return run_blocks(batch, threads, seconds);
    }

  private:
    struct Batch {
        const std::uint8_t* images;
        std::int64_t count;
        std::int32_t* logits;
        std::uint8_t* trace;
    };

    // Blocks of images, each on one thread.
    bool run_blocks(const Batch& batch, std::int64_t threads, double* seconds) {
        const std::int64_t block = block_for(batch.count, threads);
        std::atomic<std::int64_t> next{0};
        std::atomic<bool> failed{false};
        team_.run(std::min(threads, (batch.count + block - 1) / block) - 1, [&] {
            Memory memory = borrow();
            if (!memory) return failed.store(true);
            for (std::int64_t first; (first = next.fetch_add(block)) < batch.count;)
                run_block(memory.get(), batch, first, std::min(block, batch.count - first),
                          seconds);
            give_back(std::move(memory));
        });
        return !failed;
    }

    std::int64_t block_for(std::int64_t count, std::int64_t threads) const {
        const std::int64_t share = (count + threads - 1) / threads;
        return std::max<std::int64_t>(1, std::min(plan_.block, share));
    }

    void run_block(std::uint8_t* memory, const Batch& batch, std::int64_t first,
                   std::int64_t count, double* seconds) const {
        Workspace space = space_in(memory);
        take_images(space, batch, first, count);
        for (std::int64_t op = 0; op < plan_.op_count; ++op) {
            const double start = seconds ? thread_seconds() : 0.0;
            isa_.run(plan_, op, space, 0, rows_of(op, count));
            if (seconds) seconds[op] += thread_seconds() - start;
        }
    }

    // All images at once: every operation's rows in parts.
    bool run_parts(const Batch& batch, std::int64_t threads) {
        Memory shared = borrow();
        if (!shared) return false;
        Workspace space = space_in(shared.get());
        take_images(space, batch, 0, batch.count);
        std::vector<Parts> parts(static_cast<std::size_t>(plan_.op_count));
        for (std::int64_t op = 0; op < plan_.op_count; ++op) {
            Parts& own = parts[static_cast<std::size_t>(op)];
            const std::int64_t rows = rows_of(op, batch.count);
            const std::int64_t most = parts_of(op, batch.count, threads);
            own.rows = (rows + most - 1) / most;
            own.count = (rows + own.rows - 1) / own.rows;
            own.left.store(static_cast<std::uint32_t>(own.count));
        }
        std::atomic<bool> first{true};
        team_.run(threads - 1, [&] {
            if (first.exchange(false)) return share(space, parts);
            Memory memory = borrow();
            if (!memory) return;  // the others do the work
            Workspace own = space_in(memory.get());
            own.arena = space.arena, own.image = space.image;
            own.images = space.images, own.logits = space.logits;
            share(own, parts);
            give_back(std::move(memory));
        });
        give_back(std::move(shared));
        return true;
    }

    void share(const Workspace& space, std::vector<Parts>& parts) const {
        for (std::int64_t op = 0; op < plan_.op_count; ++op) {
            Parts& own = parts[static_cast<std::size_t>(op)];
            const std::int64_t rows = rows_of(op, space.images);
            for (std::int64_t part; (part = own.next.fetch_add(1)) < own.count;) {
                const std::int64_t begin = part * own.rows;
                isa_.run(plan_, op, space, begin, std::min(rows, begin + own.rows));
                if (own.left.fetch_sub(1, std::memory_order_acq_rel) == 1) own.left.notify_all();
            }
            for (std::uint32_t left; (left = own.left.load(std::memory_order_acquire)) != 0;)
                wait_while(own.left, left);
        }
    }

    std::int64_t rows_of(std::int64_t op, std::int64_t images) const {
        return images * plan_.ops[op].out_height * plan_.ops[op].out_width;
    }

    // Parts of one operation: several a thread, none too small to be worth taking.
    std::int64_t parts_of(std::int64_t op, std::int64_t images, std::int64_t threads) const {
        const std::int64_t rows = rows_of(op, images);
        const std::int64_t work = rows * work_of_row(plan_, plan_.ops[op]);
        const std::int64_t most = std::min(rows, threads * parts_a_thread);
        return std::clamp<std::int64_t>(work / least_work, 1, std::max<std::int64_t>(1, most));
    }

    bool splits(std::int64_t images, std::int64_t threads) const {
        for (std::int64_t op = 0; op < plan_.op_count; ++op)
            if (parts_of(op, images, threads) > 1) return true;
        return false;
    }

    // Read the images where they are, but copy the last: registers are read past an image's end.
    void take_images(Workspace& space, const Batch& batch, std::int64_t first,
                     std::int64_t count) const {
        const std::int64_t after = (batch.count - first - count) * plan_.image_bytes;
        space.image = batch.images + first * plan_.image_bytes;
        space.logits = batch.logits + first * plan_.classes;
        space.trace = batch.trace ? batch.trace + first * plan_.trace_bytes : nullptr;
        space.images = count;
        if (after >= slack) return;
        std::uint8_t* copy = space.arena + aligned(plan_.arena_bytes);
        std::memcpy(copy, space.image, static_cast<std::size_t>(count * plan_.image_bytes));
        space.image = copy;
    }

    Memory borrow() {
        std::int64_t bytes = 64;
        for (const std::int64_t size : sizes()) bytes += aligned(size);
        return spare_.borrow(bytes);
    }

    void give_back(Memory memory) { spare_.give_back(std::move(memory)); }

    // Of everything in a workspace, in order.
    std::array<std::int64_t, 8> sizes() const {
        return {plan_.arena_bytes, plan_.block * plan_.image_bytes, plan_.gather_bytes,
                plan_.sums_bytes,  plan_.row_bytes,                 plan_.codes_bytes,
                plan_.last_bytes,  plan_.taps_bytes};
    }

    Workspace space_in(std::uint8_t* memory) const {
        std::array<std::uint8_t*, 8> places{};
        std::uint8_t* next = memory + 64;  // bytes before the first row may be touched
        for (std::size_t i = 0; i < places.size(); ++i) {
            places[i] = next;
            next += aligned(sizes()[i]);
        }
        Workspace space{};
        space.arena = places[0], space.gathered = places[2], space.sums = places[3];
        space.row = places[4], space.codes = places[5], space.last = places[6];
        space.taps = places[7];
        return space;
    }

    static constexpr std::int64_t parts_a_thread = 4;
    static constexpr std::int64_t least_work = 16384;  // of work_of_row: a few microseconds
    const Plan plan_;
    const Isa& isa_;
    Spare spare_;
    Team team_;
};

}  // namespace
}  // namespace steelflow

#define SF_API extern "C" __attribute__((visibility("default")))

using steelflow::Engine;
using steelflow::isa_of;

SF_API std::int64_t sf_abi() { return steelflow::abi_version; }

SF_API const char* sf_isa_name(std::int64_t isa) {
    return isa_of(isa) ? isa_of(isa)->name : nullptr;
}

SF_API std::int64_t sf_isa_available(std::int64_t isa) { return isa_of(isa)->available(); }

SF_API void* sf_create(const steelflow::Plan* plan, std::int64_t isa) {
    if (plan->abi != steelflow::abi_version) return nullptr;
    return new (std::nothrow) Engine(*plan, *isa_of(isa));
}

SF_API void sf_destroy(void* engine) { delete static_cast<Engine*>(engine); }

// `trace`, if not null, gets what a gradient needs. `seconds`, if not null, gathers the time of each
// operation; then threads must be 1.
SF_API std::int64_t sf_run(void* engine, const std::uint8_t* images, std::int64_t count,
                           std::int32_t* logits, std::uint8_t* trace, std::int64_t threads,
                           double* seconds) {
    return static_cast<Engine*>(engine)->run(images, count, logits, trace, threads, seconds);
}

SF_API double sf_peak(std::int64_t isa, std::int64_t kind, std::int64_t planes,
                      std::int64_t iterations) {
    return isa_of(isa)->peak(kind, planes, iterations);
}
