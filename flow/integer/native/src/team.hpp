// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Threads that stay: they spin for a moment after their work, then sleep in a futex. Whoever calls
// them works as well and never waits for one that has not come, so that a busy machine, or a child
// process that inherited none of them, only loses their help.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <unistd.h>

namespace steelflow {

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield");
#endif
}

// Return when the value is no longer `old`: spin for some microseconds, then sleep.
inline void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
    constexpr auto spin = std::chrono::microseconds(30);
    constexpr int pauses = 16;  // between two looks at the clock
    const auto end = std::chrono::steady_clock::now() + spin;
    do {
        for (int i = 0; i < pauses; ++i) {
            if (value.load(std::memory_order_acquire) != old) return;
            pause();
        }
    } while (std::chrono::steady_clock::now() < end);
    value.wait(old, std::memory_order_acquire);
}

class Team {
  public:
    using Work = std::function<void()>;

    Team() = default;
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;
    ~Team() { leave_to_parent(); }

    // Let the caller and up to `others` more threads do `work`, each once, until all are done.
    // Another call at the same time finds the threads taken and does its work alone.
    void run(std::int64_t others, const Work& work) {
        if (others < 1) return work();
        const std::unique_lock<std::mutex> taken(mutex_, std::try_to_lock);
        if (!taken) return work();
        leave_to_parent();
        if (!crew_) crew_ = std::make_unique<Crew>();
        crew_->run(others, work);
    }

  private:
    class Crew {
      public:
        ~Crew() {
            stopped_.store(true);
            call();
            for (auto& thread : threads_) thread.join();
        }

        void run(std::int64_t others, const Work& work) {
            start(others);
            places_.store(others);
            work_.store(&work);
            call();
            work();
            work_.store(nullptr);
            for (std::uint32_t left; (left = inside_.load()) != 0;) wait_while(inside_, left);
        }

        const pid_t process = getpid();

      private:
        void start(std::int64_t count) {
            try {
                while (static_cast<std::int64_t>(threads_.size()) < count)
                    threads_.emplace_back([this, seen = calls_.load()] { serve(seen); });
            } catch (const std::system_error&) {  // the threads that there are do the work
            }
        }

        void call() {
            calls_.fetch_add(1);
            calls_.notify_all();
        }

        void serve(std::uint32_t seen) {
            while (true) {
                wait_while(calls_, seen);
                seen = calls_.load();
                if (stopped_.load()) return;
                inside_.fetch_add(1);  // before the work is looked up: it stays until all have left
                const Work* work = work_.load();
                if (work && places_.fetch_sub(1) > 0) (*work)();
                inside_.fetch_sub(1);
                inside_.notify_all();
            }
        }

        std::vector<std::thread> threads_;
        std::atomic<std::uint32_t> calls_{0}, inside_{0};
        std::atomic<std::int64_t> places_{0};
        std::atomic<const Work*> work_{nullptr};
        std::atomic<bool> stopped_{false};
    };

    // A child process has a copy of its parent's crew, but none of the threads.
    void leave_to_parent() {
        if (crew_ && crew_->process != getpid()) static_cast<void>(crew_.release());
    }

    std::mutex mutex_;
    std::unique_ptr<Crew> crew_;
};

// Rows of one operation in parts that threads take in turn, and how many of them are done.
struct Parts {
    std::int64_t count = 1, rows = 0;
    std::atomic<std::int64_t> next{0};
    std::atomic<std::uint32_t> left{0};
};

}  // namespace steelflow
