// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Counts to planes of bits and to nibbles, floats that are not 0 and pairs of products, in plain loops.

// Codes to nibbles, the lowest channel in the lowest bits, each 16 times its number in a byte.
void pack_nibbles(const std::uint8_t* codes, std::int64_t channels, std::int64_t planes,
                  std::uint8_t* to) {
    const std::int64_t count = 4 / planes;
    for (std::int64_t c = 0; c < channels; c += count, ++to) {
        unsigned nibble = 0;
        for (std::int64_t i = 0; i < count; ++i) nibble |= unsigned{codes[c + i]} << (i * planes);
        *to = static_cast<std::uint8_t>(nibble << 4);
    }
}

// Counts of the channels to [word][plane]; channels beyond the last count as 0.
void pack_planes(const std::uint8_t* counts, std::int64_t channels, std::int64_t planes,
                 std::uint32_t* to) {
    for (std::int64_t first = 0; first < channels; first += 32, to += planes)
        for (std::int64_t plane = 0; plane < planes; ++plane) {
            std::uint32_t word = 0;
            for (std::int64_t c = first; c < std::min(first + 32, channels); ++c)
                word |= static_cast<std::uint32_t>((counts[c] >> plane) & 1U) << (c - first);
            to[plane] = word;
        }
}

// Keep those of 16 floats that are valid and not 0, and where they stood; return how many.
inline std::int32_t keep_nonzeros(const float* from, std::int32_t first, std::uint32_t valid,
                                  float* values, std::int32_t* places) {
    std::int32_t count = 0;
    for (std::int32_t i = 0; i < lanes; ++i) {
        values[count] = from[i], places[count] = first + i;
        count += from[i] != 0.0F && (valid >> i & 1);
    }
    return count;
}

constexpr bool counts_to_nibbles = false;  // but to bytes, which are packed

inline void pack_counts(std::int64_t, const std::int16_t*, const std::int16_t*, std::int64_t,
                        std::int64_t, std::uint8_t*) {}

// Add to the sums of 16 channels one value of each times a weight, and another times the next.
inline void add_pairs(IntRegister (&sums)[lanes / ints], const std::uint8_t* one,
                      const std::uint8_t* other, const std::int16_t* weights) {
    std::int32_t found[lanes];
    for (std::int64_t i = 0; i < lanes; ++i)
        found[i] = one[i] * weights[2 * i] + other[i] * weights[2 * i + 1];
    for (std::int64_t i = 0; i < lanes / ints; ++i) sums[i] += load<IntRegister>(found + i * ints);
}
