// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The engine for NEON with the dot products of bytes of Armv8.2 (Cortex-A55, A76 and later).
#include <algorithm>
#include <cstring>
#include <limits>

#include "gradient.hpp"
#include "plan.hpp"

#if defined(__aarch64__) && defined(__linux__) && !defined(__clang__)
#include <sys/auxv.h>
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#include <arm_neon.h>

namespace steelflow {
namespace {

using FourSums = int32x4_t;

constexpr int dot_rows = 4;

inline void dot_four(FourSums& sums, int8x16_t values, int8x16_t weights) {
    sums = vdotq_s32(sums, values, weights);
}

inline int32x4_t total(const FourSums& sums) { return sums; }

#include "neon.inl"

bool available() {
    constexpr unsigned long dot_bit = 1UL << 20;  // HWCAP_ASIMDDP
    return getauxval(AT_HWCAP) & dot_bit;
}

}  // namespace

const Isa neon_dot = {"neon_dot", available, run_op, peak, pull_op};

}  // namespace steelflow
#pragma GCC pop_options
#else
namespace steelflow {
const Isa neon_dot = {"neon_dot", [] { return false; }, nullptr, nullptr, nullptr};
}
#endif
