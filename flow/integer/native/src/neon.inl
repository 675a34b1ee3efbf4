// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The engine for NEON; included inside a namespace of its own, where dot_four is defined: sums of 4
// outputs by 4 products each, of signed bytes. Activations become signed by their highest bit: what
// that takes from the sums, 128 times the weights, is in the biases (_pack.py).

constexpr std::int64_t register_bytes = 16;

#include "registers.inl"

inline Ints widen(const std::uint8_t* from) {
    const uint8x16_t bytes = vld1q_u8(from);
    const uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_u8(vget_high_u8(bytes));
    const uint32x4_t parts[] = {vmovl_u16(vget_low_u16(low)), vmovl_u16(vget_high_u16(low)),
                                vmovl_u16(vget_low_u16(high)), vmovl_u16(vget_high_u16(high))};
    return load<Ints>(parts);
}

inline uint16x8_t narrow_pair(const std::int32_t* from) {
    const uint16x4_t low = vmovn_u32(vreinterpretq_u32_s32(vld1q_s32(from)));
    return vcombine_u16(low, vmovn_u32(vreinterpretq_u32_s32(vld1q_s32(from + 4))));
}

inline void narrow(std::uint8_t* to, const Ints& values) {
    std::int32_t all[lanes];
    std::memcpy(all, &values, sizeof all);
    vst1_u8(to, vmovn_u16(narrow_pair(all)));
    vst1_u8(to + 8, vmovn_u16(narrow_pair(all + 8)));
}

inline ByteRegister join(const ShortRegister& low, const ShortRegister& high) {
    const auto first = vmovn_u16(reinterpret_cast<uint16x8_t>(low));
    const auto second = vmovn_u16(reinterpret_cast<uint16x8_t>(high));
    return reinterpret_cast<ByteRegister>(vcombine_u8(first, second));
}

inline std::uint32_t word_at(const std::uint8_t* from) {
    std::uint32_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

// Store the sums of 16 outputs, in 16 bits where the product asks for it.
inline void store_sums(const Product& p, std::int64_t row, std::int64_t output,
                       const int32x4_t* sums) {
    const std::int64_t place = row * p.c_stride + output;
    for (int part = 0; part < 4; ++part) {
        if (p.shorts)
            vst1_s16(p.shorts + place + part * 4, vmovn_s32(sums[part]));
        else
            vst1q_s32(p.c + place + part * 4, sums[part]);
    }
}

// ---- bytes ------------------------------------------------------------------------------------

template <int Rows>
void dot_block(const Product& p, std::int64_t row, std::int64_t panel) {
    const std::uint8_t* a = p.a + row * p.a_bytes;
    const auto* b = reinterpret_cast<const std::int8_t*>(p.b) + panel * p.steps * lanes * 4;
    FourSums sums[Rows][4] = {};
    for (std::int64_t k = 0; k < p.steps; ++k, a += 4, b += lanes * 4) {
        int8x16_t values[Rows];
        for (int r = 0; r < Rows; ++r)
            values[r] = vreinterpretq_s8_u32(vdupq_n_u32(word_at(a + r * p.a_bytes) ^ 0x80808080U));
        for (int part = 0; part < 4; ++part) {
            const int8x16_t weights = vld1q_s8(b + part * 16);
            for (int r = 0; r < Rows; ++r) dot_four(sums[r][part], values[r], weights);
        }
    }
    for (int r = 0; r < Rows; ++r) {
        int32x4_t found[4];
        for (int part = 0; part < 4; ++part)
            found[part] = vaddq_s32(vld1q_s32(p.bias + panel * lanes + part * 4),
                                    total(sums[r][part]));
        store_sums(p, row + r, panel * lanes, found);
    }
}

void dot_product(const Product& p) {
    for (std::int64_t panel = 0; panel < p.panels; ++panel) {
        std::int64_t row = 0;
        for (; row + dot_rows <= p.rows; row += dot_rows) dot_block<dot_rows>(p, row, panel);
        for (; row < p.rows; ++row) dot_block<1>(p, row, panel);
    }
}

// ---- bits -------------------------------------------------------------------------------------

// Counts of one plane for one row and 4 outputs; bytes hold 31 counts of up to 8.
uint32x4_t count_plane(const Product& p, const std::uint8_t* a, const std::uint8_t* b) {
    constexpr std::int64_t most = 31;
    const std::int64_t step_bytes = lanes * 4 * (p.flag ? 2 : 1);
    uint32x4_t count = vdupq_n_u32(0);
    for (std::int64_t first = 0; first < p.steps; first += most) {
        uint8x16_t bytes = vdupq_n_u8(0);
        const std::int64_t last = std::min(first + most, p.steps);
        for (std::int64_t k = first; k < last; ++k, a += 4 * p.planes, b += step_bytes) {
            uint8x16_t found = veorq_u8(vreinterpretq_u8_u32(vdupq_n_u32(word_at(a))), vld1q_u8(b));
            if (p.flag) found = vandq_u8(found, vld1q_u8(b + lanes * 4));
            bytes = vaddq_u8(bytes, vcntq_u8(found));
        }
        count = vpadalq_u16(count, vpaddlq_u8(bytes));
    }
    return count;
}

void bits_product(const Product& p) {
    const std::int64_t panel_bytes = p.steps * lanes * 4 * (p.flag ? 2 : 1);
    for (std::int64_t row = 0; row < p.rows; ++row)
        for (std::int64_t panel = 0; panel < p.panels; ++panel) {
            int32x4_t found[4];
            for (int part = 0; part < 4; ++part) {
                const std::uint8_t* b = p.b + panel * panel_bytes + part * 16;
                uint32x4_t sum = vdupq_n_u32(0);
                for (std::int64_t plane = p.planes - 1; plane >= 0; --plane)
                    sum = vaddq_u32(vshlq_n_u32(sum, 1),
                                    count_plane(p, p.a + row * p.a_bytes + plane * 4, b));
                found[part] = vmlaq_n_s32(vld1q_s32(p.bias + panel * lanes + part * 4),
                                          vreinterpretq_s32_u32(sum),
                                          static_cast<std::int32_t>(p.scale));
            }
            store_sums(p, row, panel * lanes, found);
        }
}

// ---- look-ups, see tables.inl -----------------------------------------------------------------

inline uint8x16_t look_up(uint8x16_t table, uint8x16_t places) {
#if defined(__aarch64__)
    return vqtbl1q_u8(table, places);
#else
    const uint8x8x2_t halves = {{vget_low_u8(table), vget_high_u8(table)}};
    return vcombine_u8(vtbl2_u8(halves, vget_low_u8(places)),
                       vtbl2_u8(halves, vget_high_u8(places)));
#endif
}

// Sums of 16 outputs in 16 bits, to bias + scale * sum or as they are.
inline void store_looked_up(const Product& p, std::int64_t row, std::int64_t output,
                            const uint16x8_t* sums) {
    if (p.shorts) {
        std::int16_t* to = p.shorts + row * p.c_stride + output;
        vst1q_s16(to, vreinterpretq_s16_u16(sums[0]));
        vst1q_s16(to + 8, vreinterpretq_s16_u16(sums[1]));
        return;
    }
    int32x4_t found[4];
    for (int part = 0; part < 4; ++part) {
        const uint16x8_t own = sums[part / 2];
        const uint16x4_t four = part % 2 ? vget_high_u16(own) : vget_low_u16(own);
        found[part] = vmlaq_n_s32(vld1q_s32(p.bias + output + part * 4),
                                  vreinterpretq_s32_u32(vmovl_u16(four)),
                                  static_cast<std::int32_t>(p.scale));
    }
    store_sums(p, row, output, found);
}

template <int Rows>
void table_block(const Product& p, std::int64_t row, std::int64_t panel) {
    const std::uint8_t* a = p.a + row * p.a_bytes;
    const std::uint8_t* b = p.b + panel * p.steps * 2 * lanes;
    uint16x8_t wide[Rows][4] = {};
    for (std::int64_t first = 0; first < p.steps; first += p.flag) {
        uint8x16_t sums[Rows][2] = {};
        const std::int64_t last = std::min(first + p.flag, p.steps);
        for (std::int64_t k = first; k < last; ++k, b += 2 * lanes) {
            const uint8x16_t one = vld1q_u8(b), other = vld1q_u8(b + lanes);
            for (int r = 0; r < Rows; ++r) {
                const uint8x16_t table = vld1q_u8(p.table + a[r * p.a_bytes + k]);
                sums[r][0] = vaddq_u8(sums[r][0], look_up(table, one));
                sums[r][1] = vaddq_u8(sums[r][1], look_up(table, other));
            }
        }
        for (int r = 0; r < Rows; ++r)
            for (int v = 0; v < 2; ++v) {
                wide[r][2 * v] = vaddw_u8(wide[r][2 * v], vget_low_u8(sums[r][v]));
                wide[r][2 * v + 1] = vaddw_u8(wide[r][2 * v + 1], vget_high_u8(sums[r][v]));
            }
    }
    for (int r = 0; r < Rows; ++r)
        for (int v = 0; v < 2; ++v)
            store_looked_up(p, row + r, (2 * panel + v) * lanes, wide[r] + 2 * v);
}

constexpr bool tables_in_place = false;  // windows are gathered

void table_product(const Product& p) {
    constexpr std::int64_t together = 4;
    for (std::int64_t panel = 0; panel < p.panels / 2; ++panel) {
        std::int64_t row = 0;
        for (; row + together <= p.rows; row += together) table_block<together>(p, row, panel);
        for (; row < p.rows; ++row) table_block<1>(p, row, panel);
    }
}

#include "packing.inl"

#include "operations.inl"

// Products done by 8 independent chains in registers.
double peak(std::int64_t kind, std::int64_t planes, std::int64_t iterations) {
    uint8x16_t sums[8] = {}, x = vdupq_n_u8(1), y = vdupq_n_u8(3);
    FourSums dots[8] = {};
    for (std::int64_t i = 0; i < iterations; ++i)
        for (int chain = 0; chain < 8; ++chain) {
            asm volatile("" : "+w"(x), "+w"(y));  // nothing is computed once for several chains
            if (kind == kind_dot)
                dot_four(dots[chain], vreinterpretq_s8_u8(x), vreinterpretq_s8_u8(y));
            else if (kind == kind_bits)
                sums[chain] = vaddq_u8(sums[chain], vcntq_u8(veorq_u8(x, y)));
            else
                sums[chain] = vaddq_u8(sums[chain], look_up(x, y));
        }
    for (auto& sum : sums) asm volatile("" : : "w"(sum));
    for (auto& sum : dots) asm volatile("" : : "m"(sum));
    const double products = kind == kind_dot ? 16.0 : kind == kind_bits ? 128.0 : 64.0;
    const auto each = kind == kind_tables ? static_cast<double>(planes) : 1.0;
    return static_cast<double>(iterations) * 8 * products / each;
}
