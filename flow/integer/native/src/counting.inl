// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// From the sums of one row to the output's format, through thresholds where there are some.

static std::int64_t padded(std::int64_t channels) {
    return (channels + channel_padding - 1) / channel_padding * channel_padding;
}

// Counts of up to 255 levels.
static void count_by_line(const Op& op, std::int64_t channels, const std::int32_t* sums,
                          std::uint8_t* counts) {
    const FloatRegister least = {}, most = least + static_cast<float>(op.levels);
    const float* slope = reinterpret_cast<const float*>(op.slope);
    const float* start = reinterpret_cast<const float*>(op.start);
    for (std::int64_t c = 0; c < channels; c += lanes) {
        IntRegister found[lanes / ints];
        for (std::int64_t i = 0, at = c; i < lanes / ints; ++i, at += ints) {
            const auto value = __builtin_convertvector(load<IntRegister>(sums + at), FloatRegister);
            FloatRegister level =
                value * load<FloatRegister>(slope + at) + load<FloatRegister>(start + at);
            level = level > least ? level : least;
            level = level < most ? level : most;
            found[i] = __builtin_convertvector(level, IntRegister);
        }
        narrow(counts + c, load<Ints>(found));
    }
}

static void count_by_fine_line(const Op& op, std::int64_t channels, const std::int32_t* sums,
                               std::uint8_t* counts) {
    const auto most = static_cast<double>(op.levels);
    const double* slope = reinterpret_cast<const double*>(op.slope);
    const double* start = reinterpret_cast<const double*>(op.start);
    each_lane(channels, [=](std::int64_t c) {
        const double level = static_cast<double>(sums[c]) * slope[c] + start[c];
        counts[c] = static_cast<std::uint8_t>(std::min(std::max(level, 0.0), most));
    });
}

static void count_by_compare(const Op& op, std::int64_t channels, const std::int32_t* sums,
                             std::uint8_t* counts) {
    const auto* thresholds = reinterpret_cast<const std::int32_t*>(op.thresholds);
    const std::int64_t row = padded(channels), levels = op.levels;
    for (std::int64_t c = 0; c < channels; c += lanes) {
        IntRegister found[lanes / ints] = {};
        constexpr std::int64_t together = std::min<std::int64_t>(2, lanes / ints);
        for (std::int64_t i = 0; i < lanes / ints; i += together) {
            const std::int32_t* own = thresholds + c + i * ints;
            IntRegister values[together], reached[together] = {};
            for (std::int64_t n = 0; n < together; ++n)
                values[n] = load<IntRegister>(sums + c + (i + n) * ints);
            for (std::int64_t level = 0; level < levels; ++level, own += row)
                for (std::int64_t n = 0; n < together; ++n)
                    reached[n] -= values[n] > load<IntRegister>(own + n * ints);
            for (std::int64_t n = 0; n < together; ++n) found[i + n] = reached[n];
        }
        narrow(counts + c, load<Ints>(found));
    }
}

template <class Sum>
static void count_by_search(const Op& op, std::int64_t channels, Sum* sums) {
    const auto* thresholds = reinterpret_cast<const Sum*>(op.thresholds);
    for (std::int64_t c = 0; c < channels; ++c) {
        const Sum* own = thresholds + c * op.levels;
        sums[c] = static_cast<Sum>(std::upper_bound(own, own + op.levels, sums[c]) - own);
    }
}

template <class Sum>
static void store_row(const Tensor& out, const Sum* sums, std::uint8_t* to) {
    auto* narrow = reinterpret_cast<std::int32_t*>(to);
    auto* wide = reinterpret_cast<std::int64_t*>(to);
    const Sum low = static_cast<Sum>(out.low);
    switch (out.format) {
        case format_u8:
            return each_lane(out.channels, [=](std::int64_t c) {
                to[c] = static_cast<std::uint8_t>(sums[c] - low);
            });
        case format_i32:
            for (std::int64_t c = 0; c < out.channels; ++c)
                narrow[c] = static_cast<std::int32_t>(sums[c]);
            return;
        default:
            for (std::int64_t c = 0; c < out.channels; ++c) wide[c] = sums[c];
    }
}

// Counts to the output's format; planes of bits are packed later, see pack_tile.
static void store_counts(const Op& op, const Tensor& out, const std::uint8_t* counts,
                         std::uint8_t* to) {
    auto* narrow = reinterpret_cast<std::int32_t*>(to);
    const auto low = static_cast<std::int32_t>(op.low), step = static_cast<std::int32_t>(op.step);
    const auto shift = static_cast<std::uint8_t>(op.low - out.low);
    const auto factor = static_cast<std::uint8_t>(op.step);
    switch (out.format) {
        case format_bits:
        case format_nibbles:
            return;
        case format_u8:
            return each_lane(out.channels, [=](std::int64_t c) {
                to[c] = static_cast<std::uint8_t>(counts[c] * factor + shift);
            });
        default:
            for (std::int64_t c = 0; c < out.channels; ++c) narrow[c] = low + step * counts[c];
    }
}

static bool counts_are_bytes(const Op& op, const Tensor& out) {
    return out.format == format_u8 && op.low == out.low && op.step == 1;
}

// Count into bytes, in place where they are the output's bytes already.
static void finish_counts(const Op& op, const Tensor& out, std::int32_t* sums, std::uint8_t* spare,
                          std::uint8_t* to) {
    std::uint8_t* counts = counts_are_bytes(op, out) ? to : spare;
    const std::int64_t channels = (out.channels + lanes - 1) / lanes * lanes;
    if (op.counting == counting_line)
        count_by_line(op, channels, sums, counts);
    else if (op.counting == counting_fine_line)
        count_by_fine_line(op, channels, sums, counts);
    else
        count_by_compare(op, channels, sums, counts);
    if (counts != to) store_counts(op, out, counts, to);
}

// Count bytes of the input, without widening them to sums.
template <int Levels>
static void count_bytes(const Op& op, std::int64_t channels, const std::uint8_t* values,
                        std::uint8_t* counts) {
    const std::int64_t row = padded(channels), levels = Levels ? Levels : op.levels;
    for (std::int64_t c = 0; c < channels; c += register_bytes) {
        const ByteRegister value = load<ByteRegister>(values + c);
        ByteRegister found = {};
        for (std::int64_t level = 0; level < levels; ++level) {
            const ByteRegister threshold = load<ByteRegister>(op.thresholds + level * row + c);
            found -= reinterpret_cast<ByteRegister>(value >= threshold);
        }
        store(counts + c, found);
    }
}

static void finish_bytes(const Op& op, const Tensor& out, const std::uint8_t* values,
                         std::uint8_t* spare, std::uint8_t* to) {
    std::uint8_t* counts = counts_are_bytes(op, out) ? to : spare;
    if (op.levels == 1)
        count_bytes<1>(op, out.channels, values, counts);
    else if (op.levels == 3)
        count_bytes<3>(op, out.channels, values, counts);
    else
        count_bytes<0>(op, out.channels, values, counts);
    if (counts != to) store_counts(op, out, counts, to);
}

// Count sums in 16 bits, two registers at a time, which become one of bytes.
template <int Levels>
static void count_shorts(const Op& op, std::int64_t channels, const std::int16_t* sums,
                         std::uint8_t* counts) {
    const auto* thresholds = reinterpret_cast<const std::int16_t*>(op.thresholds);
    const std::int64_t row = padded(channels), levels = Levels ? Levels : op.levels;
    for (std::int64_t c = 0; c < channels; c += register_bytes) {
        const auto low = load<ShortRegister>(sums + c);
        const auto high = load<ShortRegister>(sums + c + shorts);
        ShortRegister found = {}, other = {};
        for (std::int64_t level = 0; level < levels; ++level) {
            const std::int16_t* own = thresholds + level * row + c;
            found -= low > load<ShortRegister>(own);
            other -= high > load<ShortRegister>(own + shorts);
        }
        store(counts + c, join(found, other));
    }
}

static void finish_shorts(const Op& op, const Tensor& out, const std::int16_t* sums,
                          std::uint8_t* spare, std::uint8_t* to) {
    std::uint8_t* counts = counts_are_bytes(op, out) ? to : spare;
    if (op.levels == 1)
        count_shorts<1>(op, out.channels, sums, counts);
    else if (op.levels == 3)
        count_shorts<3>(op, out.channels, sums, counts);
    else
        count_shorts<0>(op, out.channels, sums, counts);
    if (counts != to) store_counts(op, out, counts, to);
}

template <class Sum>
static void finish_search(const Op& op, const Tensor& out, Sum* sums, std::uint8_t* spare,
                          std::uint8_t* to) {
    const Sum low = static_cast<Sum>(op.low), step = static_cast<Sum>(op.step);
    count_by_search(op, out.channels, sums);
    if (out.format == format_bits || out.format == format_nibbles) {
        for (std::int64_t c = 0; c < out.channels; ++c)
            spare[c] = static_cast<std::uint8_t>(sums[c]);
        return;
    }
    for (std::int64_t c = 0; c < out.channels; ++c) sums[c] = low + step * sums[c];
    store_row(out, sums, to);
}

template <class Sum>
static void finish_row(const Op& op, const Tensor& out, Sum* sums, std::uint8_t* spare,
                       std::uint8_t* to) {
    if (op.counting == counting_none) return store_row(out, sums, to);
    if (op.counting == counting_search) return finish_search(op, out, sums, spare, to);
    if constexpr (sizeof(Sum) == 4) finish_counts(op, out, sums, spare, to);
}
