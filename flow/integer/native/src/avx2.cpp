// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The engine for AVX2.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "gradient.hpp"
#include "plan.hpp"

#if defined(__x86_64__) && !defined(__clang__)  // clang knows no target pragma
#include <immintrin.h>
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt")

namespace steelflow {
namespace {

constexpr int half = 8;  // outputs of a register

constexpr std::int64_t register_bytes = 32;

#include "registers.inl"

inline __m256i load_half(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

inline void store_half(void* to, __m256i value) {
    _mm256_storeu_si256(static_cast<__m256i*>(to), value);
}

inline Ints widen(const std::uint8_t* from) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m256i parts[] = {_mm256_cvtepu8_epi32(bytes),
                             _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, half))};
    return load<Ints>(parts);
}

inline void narrow(std::uint8_t* to, const Ints& values) {
    __m256i parts[2];
    std::memcpy(parts, &values, sizeof parts);
    const __m256i pairs = _mm256_permute4x64_epi64(_mm256_packus_epi32(parts[0], parts[1]), 0xD8);
    const __m128i low = _mm256_castsi256_si128(pairs), high = _mm256_extracti128_si256(pairs, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(low, high));
}

inline ByteRegister join(const ShortRegister& low, const ShortRegister& high) {
    const __m256i mixed = _mm256_packus_epi16(reinterpret_cast<__m256i>(low),
                                              reinterpret_cast<__m256i>(high));
    return reinterpret_cast<ByteRegister>(_mm256_permute4x64_epi64(mixed, 0xD8));
}

// Keep a row's loads behind the row before: all at once, they push the sums out of the registers.
inline void in_turn(__m256i& one, __m256i& other) {
    asm volatile("" : "+x"(one), "+x"(other) : : "memory");
}

inline __m256i broadcast(const std::uint8_t* from) {
    std::int32_t word;
    std::memcpy(&word, from, sizeof word);
    return _mm256_set1_epi32(word);
}

// ---- bytes ------------------------------------------------------------------------------------

// Sums of 4 products whose pairs may pass int16.
inline __m256i dot_four(__m256i sum, __m256i values, __m256i weights) {
    const __m256i even = _mm256_and_si256(values, _mm256_set1_epi16(0xFF));
    const __m256i odd = _mm256_srli_epi16(values, 8);
    const __m256i even_weights = _mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8);
    const __m256i odd_weights = _mm256_srai_epi16(weights, 8);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(even, even_weights));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(odd, odd_weights));
}

template <int Rows>
void wide_block(const Product& p, std::int64_t row, std::int64_t panel) {
    const std::uint8_t* a = p.a + row * p.a_bytes;
    const std::uint8_t* b = p.b + panel * p.steps * lanes * 4;
    const std::int32_t* bias = p.bias + panel * lanes;
    __m256i sums[Rows][2];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
        sums[r][0] = load_half(bias);
        sums[r][1] = load_half(bias + half);
    }
    for (std::int64_t k = 0; k < p.steps; ++k, a += 4, b += lanes * 4) {
        const __m256i first = load_half(b), second = load_half(b + half * 4);
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) {
            const __m256i values = broadcast(a + r * p.a_bytes);
            sums[r][0] = dot_four(sums[r][0], values, first);
            sums[r][1] = dot_four(sums[r][1], values, second);
        }
    }
    std::int32_t* c = p.c + row * p.c_stride + panel * lanes;
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r, c += p.c_stride) {
        store_half(c, sums[r][0]);
        store_half(c + half, sums[r][1]);
    }
}

inline __m256i sum_pairs(__m256i pairs) {
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

// Sums of pairs, of 16 outputs that are proven to fit int16.
inline void store_shorts(std::int16_t* to, __m256i one, __m256i other) {
    const __m256i mixed = _mm256_packs_epi32(sum_pairs(one), sum_pairs(other));
    store_half(to, _mm256_permute4x64_epi64(mixed, 0xD8));
}

inline void add_half(std::int32_t* to, __m256i sums) {
    store_half(to, _mm256_add_epi32(load_half(to), sums));
}

// Pairs of products are summed in int16 for p.flag steps, for which they are proven to fit.
template <int Rows>
void dot_block(const Product& p, std::int64_t row, std::int64_t panel) {
    const std::uint8_t* a = p.a + row * p.a_bytes;
    const std::uint8_t* b = p.b + panel * p.steps * lanes * 4;
    std::int32_t* c = p.c + row * p.c_stride + panel * lanes;
    const std::int64_t a_bytes = p.a_bytes;
    for (int r = 0; r < Rows && !p.shorts; ++r)
        std::memcpy(c + r * p.c_stride, p.bias + panel * lanes, lanes * sizeof *c);
    for (std::int64_t first = 0; first < p.steps; first += p.flag) {
        __m256i sums[Rows][2];
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_si256();
        const std::int64_t last = std::min(first + p.flag, p.steps);
        for (std::int64_t k = first; k < last; ++k, a += 4, b += lanes * 4) {
            const __m256i one = load_half(b), other = load_half(b + half * 4);
#pragma GCC unroll 8
            for (int r = 0; r < Rows; ++r) {
                const __m256i values = broadcast(a + r * a_bytes);
                sums[r][0] = _mm256_add_epi16(sums[r][0], _mm256_maddubs_epi16(values, one));
                sums[r][1] = _mm256_add_epi16(sums[r][1], _mm256_maddubs_epi16(values, other));
                in_turn(sums[r][0], sums[r][1]);
            }
        }
        if (p.shorts) {  // all steps at once, by proof
            std::int16_t* to = p.shorts + row * p.c_stride + panel * lanes;
#pragma GCC unroll 8
            for (int r = 0; r < Rows; ++r)
                store_shorts(to + r * p.c_stride, sums[r][0], sums[r][1]);
            return;
        }
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) {
            add_half(c + r * p.c_stride, sum_pairs(sums[r][0]));
            add_half(c + r * p.c_stride + half, sum_pairs(sums[r][1]));
        }
    }
}

// ---- bits -------------------------------------------------------------------------------------

// Bits that are 1 in each byte, by looking up its two halves (Mula et al., arXiv:1611.07612).
inline __m256i ones_of_bytes(__m256i words) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(words, 4), low);
    return _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(words, low)),
                           _mm256_shuffle_epi8(table, high));
}

inline __m256i sum_of_bytes(__m256i bytes) {
    return sum_pairs(_mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1)));
}

// Counts of one plane for one row and 8 outputs; bytes hold 31 counts of up to 8.
template <bool Masked>
__m256i count_plane(const Product& p, const std::uint8_t* a, const std::uint8_t* b) {
    constexpr std::int64_t most = 31, step_bytes = lanes * 4 * (Masked ? 2 : 1);
    __m256i count = _mm256_setzero_si256();
    for (std::int64_t first = 0; first < p.steps; first += most) {
        __m256i bytes = _mm256_setzero_si256();
        const std::int64_t last = std::min(first + most, p.steps);
        for (std::int64_t k = first; k < last; ++k, a += 4 * p.planes, b += step_bytes) {
            __m256i found = _mm256_xor_si256(broadcast(a), load_half(b));
            if (Masked) found = _mm256_and_si256(found, load_half(b + lanes * 4));
            bytes = _mm256_add_epi8(bytes, ones_of_bytes(found));
        }
        count = _mm256_add_epi32(count, sum_of_bytes(bytes));
    }
    return count;
}

template <bool Masked>
void bits_block(const Product& p, std::int64_t row, std::int64_t panel) {
    const __m256i scale = _mm256_set1_epi32(static_cast<std::int32_t>(p.scale));
    const std::uint8_t* b = p.b + panel * p.steps * lanes * 4 * (Masked ? 2 : 1);
    const std::uint8_t* a = p.a + row * p.a_bytes;
    std::int32_t* c = p.c + row * p.c_stride + panel * lanes;
    for (int part = 0; part < lanes; part += half) {
        __m256i sum = _mm256_setzero_si256();
        for (std::int64_t plane = p.planes - 1; plane >= 0; --plane)
            sum = _mm256_add_epi32(_mm256_slli_epi32(sum, 1),
                                   count_plane<Masked>(p, a + plane * 4, b + part * 4));
        const __m256i bias = load_half(p.bias + panel * lanes + part);
        store_half(c + part, _mm256_add_epi32(bias, _mm256_mullo_epi32(sum, scale)));
    }
}

// ---- all blocks of a tile ---------------------------------------------------------------------

using Block = void (*)(const Product&, std::int64_t row, std::int64_t panel);
constexpr int most_rows = 6;

template <int... R>
void run_dot(const Product& p, std::integer_sequence<int, R...>) {
    static constexpr Block narrow_blocks[] = {dot_block<R + 1>...};
    static constexpr Block wide_blocks[] = {wide_block<R + 1>...};
    const Block* blocks = p.flag ? narrow_blocks : wide_blocks;
    for (std::int64_t panel = 0; panel < p.panels; ++panel)
        for (std::int64_t row = 0; row < p.rows; row += most_rows)
            blocks[std::min<std::int64_t>(most_rows, p.rows - row) - 1](p, row, panel);
}

void dot_product(const Product& p) {
    run_dot(p, std::make_integer_sequence<int, most_rows>());
}

void bits_product(const Product& p) {
    const Block block = p.flag ? bits_block<true> : bits_block<false>;
    for (std::int64_t panel = 0; panel < p.panels; ++panel)
        for (std::int64_t row = 0; row < p.rows; ++row) block(p, row, panel);
}

// Counts of the channels to [word][plane]; channels beyond the last count as 0.
void pack_planes(const std::uint8_t* counts, std::int64_t channels, std::int64_t planes,
                 std::uint32_t* to) {
    for (std::int64_t first = 0; first < channels; first += 32, to += planes) {
        const std::int64_t left = std::min<std::int64_t>(channels - first, 32);
        const std::uint32_t valid = left == 32 ? ~0U : (1U << left) - 1;
        const __m256i codes = load_half(counts + first);
        for (std::int64_t plane = 0; plane < planes; ++plane) {
            const __m128i places = _mm_cvtsi64_si128(7 - plane);
            const __m256i top = _mm256_sll_epi16(codes, places);
            to[plane] = static_cast<std::uint32_t>(_mm256_movemask_epi8(top)) & valid;
        }
    }
}

// Add to the sums of 16 channels one value of each times a weight, and another times the next.
inline void add_pairs(IntRegister (&sums)[lanes / ints], const std::uint8_t* one,
                      const std::uint8_t* other, const std::int16_t* weights) {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(one));
    const __m128i others = _mm_loadu_si128(reinterpret_cast<const __m128i*>(other));
    const __m256i low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(values, others));
    const __m256i high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(values, others));
    sums[0] += reinterpret_cast<IntRegister>(_mm256_madd_epi16(low, load_half(weights)));
    sums[1] += reinterpret_cast<IntRegister>(_mm256_madd_epi16(high, load_half(weights + lanes)));
}

// For every set of 8 places: its places in ascending order, a byte each.
constexpr std::array<std::uint64_t, 256> places_of_sets = [] {
    std::array<std::uint64_t, 256> all{};
    for (unsigned set = 0; set < 256; ++set)
        for (unsigned place = 0, count = 0; place < 8; ++place)
            if (set >> place & 1) all[set] |= std::uint64_t{place} << (8 * count++);
    return all;
}();

inline std::int32_t keep_eight(const float* from, std::int32_t first, unsigned valid,
                               float* values, std::int32_t* places) {
    const __m256 all = _mm256_loadu_ps(from);
    const __m256 there = _mm256_cmp_ps(all, _mm256_setzero_ps(), _CMP_NEQ_UQ);
    const unsigned set = static_cast<unsigned>(_mm256_movemask_ps(there)) & valid & 0xFFU;
    const __m256i order = _mm256_cvtepu8_epi32(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&places_of_sets[set])));
    _mm256_storeu_ps(values, _mm256_permutevar8x32_ps(all, order));
    store_half(places, _mm256_add_epi32(order, _mm256_set1_epi32(first)));
    return __builtin_popcount(set);
}

// Keep those of 16 floats that are valid and not 0, and where they stood; return how many.
inline std::int32_t keep_nonzeros(const float* from, std::int32_t first, std::uint32_t valid,
                                  float* values, std::int32_t* places) {
    const std::int32_t low = keep_eight(from, first, valid, values, places);
    return low + keep_eight(from + half, first + half, valid >> half, values + low, places + low);
}

#include "tables.inl"

#include "operations.inl"

bool available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"); }

// Products done by 8 independent chains in registers.
double peak(std::int64_t kind, std::int64_t planes, std::int64_t iterations) {
    if (kind == kind_tables) return peak_of_tables(planes, iterations);
    const bool bits = kind == kind_bits;
    __m256i sums[8], x = _mm256_set1_epi32(0x01020301), y = _mm256_set1_epi32(0x03010201);
    for (auto& sum : sums) sum = _mm256_setzero_si256();
    for (std::int64_t i = 0; i < iterations; ++i)
#pragma GCC unroll 8
        for (auto& sum : sums) {
            asm volatile("" : "+x"(x), "+x"(y));  // nothing is computed once for several chains
            sum = bits ? _mm256_add_epi8(sum, ones_of_bytes(_mm256_xor_si256(x, y)))
                         : _mm256_add_epi16(sum, _mm256_maddubs_epi16(x, y));
        }
    for (auto& sum : sums) asm volatile("" : : "x"(sum));
    return static_cast<double>(iterations) * 8 * (bits ? 256 : 32);
}

}  // namespace

const Isa avx2 = {"avx2", available, run_op, peak, pull_op};

}  // namespace steelflow
#pragma GCC pop_options
#else
namespace steelflow {
const Isa avx2 = {"avx2", [] { return false; }, nullptr, nullptr, nullptr};
}
#endif
