// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The engine for any processor.
#include <algorithm>
#include <cstring>
#include <limits>

#include "gradient.hpp"
#include "plan.hpp"

namespace steelflow {
namespace {

constexpr std::int64_t register_bytes = 16;

#include "registers.inl"

inline Ints widen(const std::uint8_t* from) {
    std::int32_t found[lanes];
    for (std::int64_t i = 0; i < lanes; ++i) found[i] = from[i];
    return load<Ints>(found);
}

inline void narrow(std::uint8_t* to, const Ints& values) {
    for (std::int64_t i = 0; i < lanes; ++i) to[i] = static_cast<std::uint8_t>(values[i]);
}

inline ByteRegister join(const ShortRegister& low, const ShortRegister& high) {
    ByteRegister found = {};
    for (std::int64_t i = 0; i < shorts; ++i) {
        found[i] = static_cast<std::uint8_t>(low[i]);
        found[i + shorts] = static_cast<std::uint8_t>(high[i]);
    }
    return found;
}

// Sums to where they belong: in 16 bits where the product asks for it.
inline void store_lanes(const Product& p, std::int64_t row, std::int64_t output,
                        const std::int32_t* sums) {
    const std::int64_t place = row * p.c_stride + output;
    if (!p.shorts) return static_cast<void>(std::memcpy(p.c + place, sums, 4 * lanes));
    for (std::int64_t o = 0; o < lanes; ++o)
        p.shorts[place + o] = static_cast<std::int16_t>(sums[o]);
}

void dot_product(const Product& p) {
    for (std::int64_t row = 0; row < p.rows; ++row)
        for (std::int64_t panel = 0; panel < p.panels; ++panel) {
            const std::uint8_t* a = p.a + row * p.a_bytes;
            const auto* b = reinterpret_cast<const std::int8_t*>(p.b) + panel * p.steps * lanes * 4;
            std::int32_t sums[lanes];
            std::memcpy(sums, p.bias + panel * lanes, sizeof sums);
            for (std::int64_t k = 0; k < p.steps * 4; k += 4, b += lanes * 4)
                for (std::int64_t o = 0; o < lanes; ++o)
                    sums[o] += a[k] * b[o * 4] + a[k + 1] * b[o * 4 + 1] +
                               a[k + 2] * b[o * 4 + 2] + a[k + 3] * b[o * 4 + 3];
            store_lanes(p, row, panel * lanes, sums);
        }
}

std::int32_t ones(std::uint32_t word) {
    word -= (word >> 1) & 0x55555555U;
    word = (word & 0x33333333U) + ((word >> 2) & 0x33333333U);
    word = (word + (word >> 4)) & 0x0F0F0F0FU;
    return static_cast<std::int32_t>((word * 0x01010101U) >> 24);
}

// How many bits of (a ^ sign) & mask are 1, in units of the planes.
void bits_product(const Product& p) {
    const std::int64_t parts = p.flag ? 2 : 1, panel_words = p.steps * lanes * parts;
    for (std::int64_t row = 0; row < p.rows; ++row)
        for (std::int64_t panel = 0; panel < p.panels; ++panel) {
            const auto* a = reinterpret_cast<const std::uint32_t*>(p.a + row * p.a_bytes);
            const auto* b = reinterpret_cast<const std::uint32_t*>(p.b) + panel * panel_words;
            std::int32_t sums[lanes] = {};
            for (std::int64_t k = 0; k < p.steps; ++k, a += p.planes, b += lanes * parts)
                for (std::int64_t plane = 0; plane < p.planes; ++plane)
                    for (std::int64_t o = 0; o < lanes; ++o) {
                        const std::uint32_t mask = p.flag ? b[lanes + o] : ~0U;
                        sums[o] += ones((a[plane] ^ b[o]) & mask) << plane;
                    }
            std::int32_t* c = p.c + row * p.c_stride + panel * lanes;
            const auto scale = static_cast<std::int32_t>(p.scale);
            for (std::int64_t o = 0; o < lanes; ++o)
                c[o] = p.bias[panel * lanes + o] + scale * sums[o];
        }
}

constexpr bool tables_in_place = false;  // windows are gathered

// See tables.inl.
void table_product(const Product& p) {
    for (std::int64_t row = 0; row < p.rows; ++row)
        for (std::int64_t panel = 0; panel < p.panels / 2; ++panel) {
            constexpr std::int64_t pair = 2 * lanes;
            const std::uint8_t* a = p.a + row * p.a_bytes;
            const std::uint8_t* b = p.b + panel * p.steps * pair;
            std::int32_t sums[pair] = {};
            for (std::int64_t k = 0; k < p.steps; ++k, b += pair)
                for (std::int64_t o = 0; o < pair; ++o) sums[o] += p.table[a[k] + b[o]];
            const auto scale = p.shorts ? 1 : static_cast<std::int32_t>(p.scale);
            for (std::int64_t o = 0; o < pair; ++o)
                sums[o] = p.bias[panel * pair + o] + scale * sums[o];
            store_lanes(p, row, panel * pair, sums);
            store_lanes(p, row, panel * pair + lanes, sums + lanes);
        }
}

#include "packing.inl"

#include "operations.inl"

bool available() { return true; }

double peak(std::int64_t kind, std::int64_t planes, std::int64_t iterations) {
    alignas(64) std::uint8_t a[64] = {}, b[2048] = {4, 5, 6}, table[256] = {};
    std::int32_t bias[2 * lanes] = {}, c[2 * lanes];
    Product p{};
    p.a = a, p.b = b, p.bias = bias, p.c = c;
    p.rows = 1, p.steps = 8, p.panels = 1, p.scale = 1, p.planes = 1;
    double per_step = 4.0;
    if (kind == kind_bits) per_step = 32.0;
    if (kind == kind_tables) {
        p.table = table, p.panels = 2;
        per_step = 2.0 * 4.0 / static_cast<double>(planes);
    }
    for (std::int64_t i = 0; i < iterations; ++i) {
        if (kind == kind_dot) dot_product(p);
        if (kind == kind_bits) bits_product(p);
        if (kind == kind_tables) table_product(p);
    }
    return static_cast<double>(iterations) * 8 * lanes * per_step;
}

}  // namespace

const Isa portable = {"portable", available, run_op, peak, pull_op};

}  // namespace steelflow
