// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Sums of products that are looked up, for AVX2. A byte of a row of `a` is 16 times the number of a
// nibble of activations, and names a row of the table; a byte of the weights is the number of a
// nibble of weights, and names a byte in it: the sum of the nibbles' products, less the least such
// sum that these weights give. A byte shuffle looks up 32 outputs at once. p.flag steps add up to
// at most 255, all of them to at most 65535, by proof (_pack.py).

constexpr int pair = 2 * lanes;  // outputs of a panel here
constexpr bool tables_in_place = true;  // windows are read where they are

inline __m256i table_row(const std::uint8_t* table, const std::uint8_t* code) {
    const auto* row = reinterpret_cast<const __m128i*>(table + *code);
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(row));
}

// Store bias + scale * sum, of 8 sums in 16 bits.
inline void store_sums(const Product& p, std::int64_t row, std::int64_t output, __m128i sums) {
    const __m256i scaled = _mm256_mullo_epi32(
        _mm256_cvtepu16_epi32(sums), _mm256_set1_epi32(static_cast<std::int32_t>(p.scale)));
    const void* bias = p.bias + output;
    _mm256_storeu_si256(
        reinterpret_cast<__m256i*>(p.c + row * p.c_stride + output),
        _mm256_add_epi32(scaled, _mm256_loadu_si256(static_cast<const __m256i*>(bias))));
}

// Store the sums of a panel: of even and odd outputs, each in 16 bits.
inline void store_panel(const Product& p, std::int64_t row, std::int64_t output, __m256i even,
                        __m256i odd) {
    const __m256i low = _mm256_unpacklo_epi16(even, odd), high = _mm256_unpackhi_epi16(even, odd);
    if (p.shorts) {
        auto* to = reinterpret_cast<__m256i*>(p.shorts + row * p.c_stride + output);
        _mm256_storeu_si256(to, _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(low, high, 0x31));
        return;
    }
    store_sums(p, row, output, _mm256_castsi256_si128(low));
    store_sums(p, row, output + 8, _mm256_castsi256_si128(high));
    store_sums(p, row, output + 16, _mm256_extracti128_si256(low, 1));
    store_sums(p, row, output + 24, _mm256_extracti128_si256(high, 1));
}

// Sums of some steps are bytes. They are gathered as 16 bits, which hold those of the odd outputs 256
// times, and the odd ones alone; the even ones are what remains, all modulo 2^16.
template <int Rows, int Panels>
struct Gathered {
    __m256i both[Rows][Panels], odd[Rows][Panels];
};

// Not inlined: among more loops, compilers keep the sums in memory.
template <int Rows, int Panels>
[[gnu::noinline]] void look_up(const Product& p, const std::uint8_t* a, const std::uint8_t* b,
                               std::int64_t count, Gathered<Rows, Panels>& gathered) {
    const std::int64_t stride = p.steps * pair, a_bytes = p.a_bytes;
    const std::uint8_t* table = p.table;
    __m256i sums[Rows][Panels];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < Panels; ++v) sums[r][v] = _mm256_setzero_si256();
    for (std::int64_t k = 0; k < count; ++k, b += pair) {
        __m256i weights[Panels];
#pragma GCC unroll 2
        for (int v = 0; v < Panels; ++v)
            weights[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + v * stride));
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) {
            const __m256i row = table_row(table, a + r * a_bytes + k);
#pragma GCC unroll 2
            for (int v = 0; v < Panels; ++v)
                sums[r][v] = _mm256_add_epi8(sums[r][v], _mm256_shuffle_epi8(row, weights[v]));
            in_turn(sums[r][0], sums[r][Panels - 1]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < Panels; ++v) {
            __m256i &both = gathered.both[r][v], &odd = gathered.odd[r][v];
            both = _mm256_add_epi16(both, sums[r][v]);
            odd = _mm256_add_epi16(odd, _mm256_srli_epi16(sums[r][v], 8));
        }
}

template <int Rows, int Panels>
void table_block(const Product& p, std::int64_t row, std::int64_t panel) {
    const std::uint8_t* a = p.a + row * p.a_bytes;
    const std::uint8_t* b = p.b + panel * p.steps * pair;
    const std::int64_t steps = p.steps / p.lines;
    Gathered<Rows, Panels> sums{};
    for (std::int64_t line = 0; line < p.lines; ++line, a += p.line_bytes)
        for (std::int64_t first = 0; first < steps; first += p.flag) {
            const std::int64_t count = std::min(p.flag, steps - first);
            look_up<Rows, Panels>(p, a + first, b, count, sums);
            b += count * pair;
        }
    for (int r = 0; r < Rows; ++r)
        for (int v = 0; v < Panels; ++v) {
            const __m256i odd = sums.odd[r][v];
            const __m256i even = _mm256_sub_epi16(sums.both[r][v], _mm256_slli_epi16(odd, 8));
            store_panel(p, row + r, (panel + v) * pair, even, odd);
        }
}

template <int Panels, int... R>
void run_tables(const Product& p, std::int64_t panel, std::integer_sequence<int, R...>) {
    using Own = void (*)(const Product&, std::int64_t row, std::int64_t panel);
    static constexpr Own blocks[] = {table_block<R + 1, Panels>...};
    constexpr std::int64_t most = sizeof...(R);
    for (std::int64_t row = 0; row < p.rows; row += most)
        blocks[std::min(most, p.rows - row) - 1](p, row, panel);
}

void table_product(const Product& p) {
    const std::int64_t panels = p.panels / 2;
    const auto rows = std::make_integer_sequence<int, 6>();
    for (std::int64_t panel = 0; panel < panels; panel += 2)
        panel + 1 < panels ? run_tables<2>(p, panel, rows) : run_tables<1>(p, panel, rows);
}

// Codes of 32 channels to nibbles, each 16 times its number in a byte; see pack_nibbles.
inline void pack_pairs(const std::uint8_t* codes, std::uint8_t* to) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    const __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi16(0x4010));
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(pairs, pairs), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(bytes));
}

inline void pack_fours(const std::uint8_t* codes, std::uint8_t* to) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    const __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi16(0x0201));
    const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00400010));
    const __m256i packed = _mm256_packus_epi16(_mm256_packus_epi32(fours, fours), fours);
    const __m256i whole =
        _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(whole));
}

void pack_nibbles(const std::uint8_t* codes, std::int64_t channels, std::int64_t planes,
                  std::uint8_t* to) {
    for (std::int64_t c = 0; c < channels; c += pair, to += 8 * planes)
        planes == 2 ? pack_pairs(codes + c, to) : pack_fours(codes + c, to);
}

// ---- sums in 16 bits to nibbles ---------------------------------------------------------------

constexpr bool counts_to_nibbles = true;

// How many thresholds 16 sums exceed.
template <int Levels>
inline __m256i count_of(const std::int16_t* sums, const std::int16_t* thresholds,
                        std::int64_t row) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums));
    __m256i found = _mm256_setzero_si256();
    for (int level = 0; level < Levels; ++level) {
        const auto* own = reinterpret_cast<const __m256i*>(thresholds + level * row);
        found = _mm256_sub_epi16(found, _mm256_cmpgt_epi16(values, _mm256_loadu_si256(own)));
    }
    return found;
}

// Neighbours of two registers added up with weights; their order is that of lanes.
inline __m256i add_neighbours(__m256i one, __m256i other, __m256i weights) {
    return _mm256_packs_epi32(_mm256_madd_epi16(one, weights), _mm256_madd_epi16(other, weights));
}

// Counts of 64 channels of 1 bit to 16 bytes, 4 in each.
inline void store_fours(const __m256i (&counts)[4], std::uint8_t* to) {
    const __m256i places = _mm256_set1_epi64x(0x0080004000200010), ones = _mm256_set1_epi16(1);
    const __m256i low = add_neighbours(counts[0], counts[1], places);
    const __m256i high = add_neighbours(counts[2], counts[3], places);
    const __m256i nibbles = add_neighbours(low, high, ones);
    const __m256i bytes = _mm256_packus_epi16(nibbles, nibbles);
    const __m128i first = _mm256_castsi256_si128(bytes), second = _mm256_extracti128_si256(bytes, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi16(first, second));
}

// Counts of 64 channels of 2 bits to 32 bytes, 2 in each.
inline void store_pairs(const __m256i (&counts)[4], std::uint8_t* to) {
    const __m256i places = _mm256_set1_epi32(0x00400010);
    const __m256i low = add_neighbours(counts[0], counts[1], places);
    const __m256i high = add_neighbours(counts[2], counts[3], places);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i bytes = _mm256_packus_epi16(low, high);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(bytes, order));
}

template <int Levels>
void count_to_nibbles(const std::int16_t* sums, const std::int16_t* thresholds,
                      std::int64_t channels, std::int64_t planes, std::uint8_t* to) {
    for (std::int64_t c = 0; c < channels; c += channel_padding, to += 16 * planes) {
        __m256i counts[4];
        for (int i = 0; i < 4; ++i)
            counts[i] = count_of<Levels>(sums + c + 16 * i, thresholds + c + 16 * i, channels);
        planes == 1 ? store_fours(counts, to) : store_pairs(counts, to);
    }
}

// From the sums of `channels`, a multiple of 64, to nibbles of up to 3 levels.
inline void pack_counts(std::int64_t levels, const std::int16_t* sums,
                        const std::int16_t* thresholds, std::int64_t channels,
                        std::int64_t planes, std::uint8_t* to) {
    using Count = void (*)(const std::int16_t*, const std::int16_t*, std::int64_t, std::int64_t,
                           std::uint8_t*);
    static constexpr Count counts[] = {count_to_nibbles<1>, count_to_nibbles<2>,
                                       count_to_nibbles<3>};
    counts[levels - 1](sums, thresholds, channels, planes, to);
}

// Products done by 8 independent chains of look-ups in registers.
inline double peak_of_tables(std::int64_t planes, std::int64_t iterations) {
    __m256i sums[8], x = _mm256_set1_epi8(1), y = _mm256_set1_epi8(3);
    for (auto& sum : sums) sum = _mm256_setzero_si256();
    for (std::int64_t i = 0; i < iterations; ++i)
#pragma GCC unroll 8
        for (auto& sum : sums) {
            asm volatile("" : "+x"(x), "+x"(y));
            sum = _mm256_add_epi8(sum, _mm256_shuffle_epi8(x, y));
        }
    for (auto& sum : sums) asm volatile("" : : "x"(sum));
    return static_cast<double>(iterations) * 8 * pair * 4 / static_cast<double>(planes);
}
