// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Values of 16 channels, in as many registers of register_bytes as it takes. Each set adds widen
// (16 bytes to int32), narrow (back) and join (two registers of int16 to one of bytes), which
// compilers do badly. Comparisons are of single
// registers: of wider values, compilers take every element alone.

using Ints [[gnu::vector_size(4 * lanes)]] = std::int32_t;
using Wides [[gnu::vector_size(8 * lanes)]] = std::int64_t;
using Bytes [[gnu::vector_size(lanes)]] = std::uint8_t;

using FloatRegister [[gnu::vector_size(register_bytes)]] = float;
using IntRegister [[gnu::vector_size(register_bytes)]] = std::int32_t;
using ShortRegister [[gnu::vector_size(register_bytes)]] = std::int16_t;
using ByteRegister [[gnu::vector_size(register_bytes)]] = std::uint8_t;
constexpr std::int64_t ints = register_bytes / 4;  // of a register
constexpr std::int64_t shorts = register_bytes / 2;

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
