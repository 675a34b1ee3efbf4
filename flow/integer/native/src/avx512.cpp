// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The engine for AVX-512 with VNNI (dot products of bytes) and VPOPCNTDQ (counts of bits).
#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "gradient.hpp"
#include "plan.hpp"

#if defined(__x86_64__) && !defined(__clang__)  // clang knows no target pragma
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 warns of its own headers
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq,avx512bitalg")
#pragma GCC target("bmi,bmi2,lzcnt,popcnt,fma,prefer-vector-width=512")

namespace steelflow {
namespace {

constexpr std::int64_t register_bytes = 64;

#include "registers.inl"

inline Ints widen(const std::uint8_t* from) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return reinterpret_cast<Ints>(_mm512_cvtepu8_epi32(bytes));
}

inline void narrow(std::uint8_t* to, Ints values) {
    const __m128i bytes = _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(values));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
}

inline ByteRegister join(ShortRegister low, ShortRegister high) {
    const __m256i parts[] = {_mm512_cvtepi16_epi8(reinterpret_cast<__m512i>(low)),
                             _mm512_cvtepi16_epi8(reinterpret_cast<__m512i>(high))};
    return load<ByteRegister>(parts);
}

inline __m512i broadcast(const std::uint8_t* from) {
    std::int32_t word;
    std::memcpy(&word, from, sizeof word);
    return _mm512_set1_epi32(word);
}

// ---- bytes ------------------------------------------------------------------------------------

template <int Rows, int Panels>
void dot_block(const Product& p, std::int64_t row, std::int64_t panel) {
    const std::int64_t stride = p.steps * lanes * 4;
    const std::uint8_t* a = p.a + row * p.a_bytes;
    const std::uint8_t* b = p.b + panel * stride;
    __m512i sums[Rows][Panels];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < Panels; ++v)
            sums[r][v] = _mm512_loadu_si512(p.bias + (panel + v) * lanes);
    for (std::int64_t k = 0; k < p.steps; ++k, a += 4, b += lanes * 4) {
        __m512i weights[Panels];
#pragma GCC unroll 4
        for (int v = 0; v < Panels; ++v) weights[v] = _mm512_loadu_si512(b + v * stride);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
            const __m512i values = broadcast(a + r * p.a_bytes);
#pragma GCC unroll 4
            for (int v = 0; v < Panels; ++v)
                sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], values, weights[v]);
        }
    }
    const std::int64_t place = row * p.c_stride + panel * lanes;
    if (p.shorts) {
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < Panels; ++v) {
                void* to = p.shorts + place + r * p.c_stride + v * lanes;
                _mm256_storeu_si256(static_cast<__m256i*>(to),
                                    _mm512_cvtepi32_epi16(sums[r][v]));
            }
        return;
    }
    std::int32_t* c = p.c + place;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < Panels; ++v)
            _mm512_storeu_si512(c + r * p.c_stride + v * lanes, sums[r][v]);
}

// ---- bits -------------------------------------------------------------------------------------

template <bool Masked>
inline __m512i match(__m512i values, __m512i sign, __m512i mask) {
    if (!Masked) return _mm512_xor_si512(values, sign);
    return _mm512_ternarylogic_epi32(values, sign, mask, 0x28);  // (values ^ sign) & mask
}

template <int Rows, int Panels, int Planes, bool Masked>
void bits_block(const Product& p, std::int64_t row, std::int64_t panel) {
    constexpr std::int64_t step_bytes = lanes * 4 * (Masked ? 2 : 1);
    const std::int64_t stride = p.steps * step_bytes;
    const std::uint8_t* a = p.a + row * p.a_bytes;
    const std::uint8_t* b = p.b + panel * stride;
    __m512i counts[Rows][Panels][Planes];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < Panels; ++v)
#pragma GCC unroll 4
            for (int l = 0; l < Planes; ++l) counts[r][v][l] = _mm512_setzero_si512();
    for (std::int64_t k = 0; k < p.steps; ++k, a += 4 * Planes, b += step_bytes) {
        __m512i signs[Panels], masks[Panels];
#pragma GCC unroll 4
        for (int v = 0; v < Panels; ++v) {
            signs[v] = _mm512_loadu_si512(b + v * stride);
            masks[v] = Masked ? _mm512_loadu_si512(b + v * stride + lanes * 4) : signs[v];
        }
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
            for (int l = 0; l < Planes; ++l) {
                const __m512i values = broadcast(a + r * p.a_bytes + l * 4);
#pragma GCC unroll 4
                for (int v = 0; v < Panels; ++v) {
                    const __m512i found = match<Masked>(values, signs[v], masks[v]);
                    counts[r][v][l] =
                        _mm512_add_epi32(counts[r][v][l], _mm512_popcnt_epi32(found));
                }
            }
    }
    const __m512i scale = _mm512_set1_epi32(static_cast<std::int32_t>(p.scale));
    std::int32_t* c = p.c + row * p.c_stride + panel * lanes;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < Panels; ++v) {
            __m512i sum = counts[r][v][0];
#pragma GCC unroll 4
            for (int l = 1; l < Planes; ++l)
                sum = _mm512_add_epi32(sum, _mm512_slli_epi32(counts[r][v][l], l));
            const __m512i bias = _mm512_loadu_si512(p.bias + (panel + v) * lanes);
            sum = _mm512_add_epi32(bias, _mm512_mullo_epi32(sum, scale));
            _mm512_storeu_si512(c + r * p.c_stride + v * lanes, sum);
        }
}

// ---- all blocks of a tile ---------------------------------------------------------------------

using Block = void (*)(const Product&, std::int64_t row, std::int64_t panel);

template <int Most>
struct Blocks {
    Block one[Most], two[Most];  // by rows less 1, for one panel and for two
};

template <int... R>
constexpr Blocks<sizeof...(R)> dot_blocks(std::integer_sequence<int, R...>) {
    return {{dot_block<R + 1, 1>...}, {dot_block<R + 1, 2>...}};
}

template <int Planes, bool Masked, int... R>
constexpr Blocks<sizeof...(R)> bits_blocks(std::integer_sequence<int, R...>) {
    return {{bits_block<R + 1, 1, Planes, Masked>...}, {bits_block<R + 1, 2, Planes, Masked>...}};
}

template <int Most>
void run_blocks(const Product& p, const Blocks<Most>& blocks) {
    for (std::int64_t panel = 0; panel < p.panels; panel += 2) {
        const Block* own = panel + 1 < p.panels ? blocks.two : blocks.one;
        for (std::int64_t row = 0; row < p.rows; row += Most)
            own[std::min<std::int64_t>(Most, p.rows - row) - 1](p, row, panel);
    }
}

void dot_product(const Product& p) {
    static constexpr auto blocks = dot_blocks(std::make_integer_sequence<int, 12>());
    run_blocks(p, blocks);
}

template <int Planes, bool Masked, int Most>
void bits_by(const Product& p) {
    static constexpr auto blocks =
        bits_blocks<Planes, Masked>(std::make_integer_sequence<int, Most>());
    run_blocks(p, blocks);
}

void bits_product(const Product& p) {
    if (p.planes == 1) return p.flag ? bits_by<1, true, 12>(p) : bits_by<1, false, 12>(p);
    p.flag ? bits_by<2, true, 6>(p) : bits_by<2, false, 6>(p);
}

// Counts of the channels to [word][plane]; channels beyond the last count as 0.
void pack_planes(const std::uint8_t* counts, std::int64_t channels, std::int64_t planes,
                 std::uint32_t* to) {
    for (std::int64_t first = 0; first < channels; first += 64) {
        const std::int64_t left = std::min<std::int64_t>(channels - first, 64);
        const __mmask64 valid = left == 64 ? ~0ULL : (1ULL << left) - 1;
        const __m512i codes = _mm512_maskz_loadu_epi8(valid, counts + first);
        for (std::int64_t plane = 0; plane < planes; ++plane) {
            const __m512i bit = _mm512_set1_epi8(static_cast<char>(1 << plane));
            const std::uint64_t found = _mm512_test_epi8_mask(codes, bit);
            to[plane] = static_cast<std::uint32_t>(found);
            if (left > 32) to[planes + plane] = static_cast<std::uint32_t>(found >> 32);
        }
        to += 2 * planes;
    }
}

// See avx2.cpp; there are registers enough here.
inline void in_turn(__m256i&, __m256i&) {}

// Add to the sums of 16 channels one value of each times a weight, and another times the next.
inline void add_pairs(IntRegister (&sums)[lanes / ints], const std::uint8_t* one,
                      const std::uint8_t* other, const std::int16_t* weights) {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(one));
    const __m128i others = _mm_loadu_si128(reinterpret_cast<const __m128i*>(other));
    const __m256i low = _mm256_castsi128_si256(_mm_unpacklo_epi8(values, others));
    const __m256i both = _mm256_inserti128_si256(low, _mm_unpackhi_epi8(values, others), 1);
    const __m512i found = _mm512_madd_epi16(_mm512_cvtepu8_epi16(both), _mm512_loadu_si512(weights));
    sums[0] += reinterpret_cast<IntRegister>(found);
}

// Keep those of 16 floats that are valid and not 0, and where they stood; return how many.
inline std::int32_t keep_nonzeros(const float* from, std::int32_t first, std::uint32_t valid,
                                  float* values, std::int32_t* places) {
    const __m512 all = _mm512_loadu_ps(from);
    const __mmask16 kept = _mm512_mask_cmp_ps_mask(static_cast<__mmask16>(valid), all,
                                                   _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512i counting =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i numbers = _mm512_add_epi32(counting, _mm512_set1_epi32(first));
    _mm512_storeu_ps(values, _mm512_maskz_compress_ps(kept, all));
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi32(kept, numbers));
    return __builtin_popcount(kept);
}

#include "tables.inl"

#include "operations.inl"

bool available() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq") &&
           __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("fma");
}

// Products done by 16 independent chains in registers.
double peak(std::int64_t kind, std::int64_t planes, std::int64_t iterations) {
    if (kind == kind_tables) return peak_of_tables(planes, iterations);
    const bool bits = kind == kind_bits;
    __m512i sums[16], x = _mm512_set1_epi32(0x01020301), y = _mm512_set1_epi32(0x03010201);
    for (auto& sum : sums) sum = _mm512_setzero_si512();
    for (std::int64_t i = 0; i < iterations; ++i)
#pragma GCC unroll 16
        for (auto& sum : sums) {
            asm volatile("" : "+v"(x), "+v"(y));  // nothing is computed once for several chains
            const __m512i count = _mm512_popcnt_epi32(match<true>(x, y, sum));
            sum = bits ? _mm512_add_epi32(sum, count) : _mm512_dpbusd_epi32(sum, x, y);
        }
    for (auto& sum : sums) asm volatile("" : : "v"(sum));
    return static_cast<double>(iterations) * 16 * (bits ? 512 : 64);
}

}  // namespace

const Isa avx512 = {"avx512", available, run_op, peak, pull_op};

}  // namespace steelflow
#pragma GCC pop_options
#else
namespace steelflow {
const Isa avx512 = {"avx512", [] { return false; }, nullptr, nullptr, nullptr};
}
#endif
