// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Registers of 16 channels, of whatever width the instruction set has. Each set adds widen (16
// bytes to int32) and narrow (back), which compilers do badly.

using Floats [[gnu::vector_size(4 * lanes)]] = float;
using Doubles [[gnu::vector_size(8 * lanes)]] = double;
using Ints [[gnu::vector_size(4 * lanes)]] = std::int32_t;
using Wides [[gnu::vector_size(8 * lanes)]] = std::int64_t;
using Bytes [[gnu::vector_size(lanes)]] = std::uint8_t;
using ManyBytes [[gnu::vector_size(channel_padding)]] = std::uint8_t;

template <class Register, class Element>
inline Register load(const Element* from) {
    Register found;
    std::memcpy(&found, from, sizeof found);
    return found;
}

template <class Register, class Element>
inline void store(Element* to, const Register& values) {
    std::memcpy(to, &values, sizeof values);
}

template <class Sum>
struct OfSums {
    using Register [[gnu::vector_size(sizeof(Sum) * lanes)]] = Sum;
};

template <class Sum>
using Sums = typename OfSums<Sum>::Register;
