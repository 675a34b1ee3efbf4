// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The engine for NEON, by multiply-long: every 64-bit ARM, and 32-bit ones such as the Cortex-A9.
#include <algorithm>
#include <cstring>
#include <limits>

#include "gradient.hpp"
#include "plan.hpp"

#if (defined(__aarch64__) || defined(__arm__)) && defined(__linux__) && !defined(__clang__)
#include <sys/auxv.h>
#if defined(__arm__)
#pragma GCC push_options
#pragma GCC target("fpu=neon")
#endif
#include <arm_neon.h>

namespace steelflow {
namespace {

// Sums of pairs of products: two of each of 4 outputs.
struct FourSums {
    int32x4_t low, high;
};

constexpr int dot_rows = 2;

inline void dot_four(FourSums& sums, int8x16_t values, int8x16_t weights) {
    sums.low = vpadalq_s16(sums.low, vmull_s8(vget_low_s8(values), vget_low_s8(weights)));
    sums.high = vpadalq_s16(sums.high, vmull_s8(vget_high_s8(values), vget_high_s8(weights)));
}

inline int32x4_t total(const FourSums& sums) {
    return vcombine_s32(vpadd_s32(vget_low_s32(sums.low), vget_high_s32(sums.low)),
                        vpadd_s32(vget_low_s32(sums.high), vget_high_s32(sums.high)));
}

#include "neon.inl"

bool available() {
#if defined(__aarch64__)
    return true;
#else
    constexpr unsigned long neon_bit = 1UL << 12;  // HWCAP_NEON
    return getauxval(AT_HWCAP) & neon_bit;
#endif
}

}  // namespace

const Isa neon = {"neon", available, run_op, peak, pull_op};

}  // namespace steelflow
#if defined(__arm__)
#pragma GCC pop_options
#endif
#else
namespace steelflow {
const Isa neon = {"neon", [] { return false; }, nullptr, nullptr, nullptr};
}
#endif
