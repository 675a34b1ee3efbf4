// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The sums of one row of output, for operations without panels.

static const Tap* taps_of(const Workspace& space) {
    return reinterpret_cast<const Tap*>(space.taps);
}

// List where every pixel of a window lies, those outside the image in the padding, the last one twice
// where their number is odd; return how many pairs there are.
static std::int64_t list_pairs(const Op& op, const Tensor& in, const Workspace& space,
                               const Place& place) {
    auto* first = reinterpret_cast<const std::uint8_t**>(space.taps);
    const std::uint8_t** next = first;
    const std::int64_t y = place.y * op.stride_y - op.top, x = place.x * op.stride_x - op.left;
    for (std::int64_t ky = 0; ky < op.kernel_height; ++ky) {
        const bool inside = y + ky >= 0 && y + ky < op.height;
        const std::uint8_t* line =
            row_at(in, space, (place.image * op.height + y + ky) * op.width);
        for (std::int64_t kx = 0; kx < op.kernel_width; ++kx)
            *next++ = inside && x + kx >= 0 && x + kx < op.width
                          ? line + (x + kx) * in.row_bytes
                          : op.padding;
    }
    if ((next - first) % 2) *next = next[-1], ++next;
    return (next - first) / 2;
}

// Weights are [pair][channel][2], in 16 bits.
static void depthwise_row(const Op& op, const Tensor& in, const Workspace& space,
                          const Place& place, std::int32_t* sums) {
    const std::int64_t pairs = list_pairs(op, in, space, place), channels = padded(in.channels);
    const auto* taps = reinterpret_cast<const std::uint8_t* const*>(space.taps);
    for (std::int64_t c = 0; c < in.channels; c += lanes) {
        const auto* weights = reinterpret_cast<const std::int16_t*>(op.weights) + 2 * c;
        IntRegister sum[lanes / ints];
        for (std::int64_t i = 0; i < lanes / ints; ++i)
            sum[i] = load<IntRegister>(op.bias + (c + i * ints) * 4);
        for (std::int64_t pair = 0; pair < pairs; ++pair, weights += 2 * channels)
            add_pairs(sum, taps[2 * pair] + c, taps[2 * pair + 1] + c, weights);
        for (std::int64_t i = 0; i < lanes / ints; ++i) store(sums + c + i * ints, sum[i]);
    }
}

// One pixel of the window after the other; groups of any size.
template <class Sum>
static void matrix_row(const Op& op, const Tensor& in, const Workspace& space, const Place& place,
                       Sum* sums) {
    const std::int64_t inputs = in.channels / op.groups, outputs = op.group_outputs;
    const std::int64_t all = outputs * op.groups, count = list_taps(op, in, space, place);
    const auto* weights = reinterpret_cast<const Sum*>(op.weights);
    Sum* values = reinterpret_cast<Sum*>(space.row);
    std::memcpy(sums, op.bias, static_cast<std::size_t>(all) * sizeof *sums);
    for (std::int64_t t = 0; t < count; ++t) {
        const Tap& tap = taps_of(space)[t];
        for (std::int64_t c = 0; c < in.channels; c += lanes)
            store(values + c, load_lanes<Sum>(in, tap.row, c));
        for (std::int64_t group = 0; group < op.groups; ++group)
            for (std::int64_t i = 0; i < inputs; ++i) {
                const Sum value = values[group * inputs + i];
                const Sum* own = weights + (tap.index * inputs + i) * all + group * outputs;
                for (std::int64_t o = 0; o < outputs; ++o)
                    sums[group * outputs + o] += value * own[o];
            }
    }
}

template <class Sum>
static void max_row(const Op& op, const Tensor& in, const Workspace& space, const Place& place,
                    Sum* sums) {
    const std::int64_t count = list_taps(op, in, space, place);
    const Tap* taps = taps_of(space);
    for (std::int64_t c = 0; c < in.channels; c += lanes) {
        Sums<Sum> best = load_lanes<Sum>(in, taps[0].row, c);
        for (std::int64_t t = 1; t < count; ++t) {
            const Sums<Sum> other = load_lanes<Sum>(in, taps[t].row, c);
            best = best > other ? best : other;
        }
        store(sums + c, best);
    }
}

template <class Sum>
static void sum_row(const Op& op, const Tensor& in, const Workspace& space, const Place& place,
                    Sum* sums) {
    const std::int64_t count = list_taps(op, in, space, place);
    const Tap* taps = taps_of(space);
    for (std::int64_t c = 0; c < in.channels; c += lanes) {
        Sums<Sum> sum = {};
        for (std::int64_t t = 0; t < count; ++t) sum += load_lanes<Sum>(in, taps[t].row, c);
        store(sums + c, sum);
    }
}

template <class Sum>
static void add_row(const Plan& plan, const Op& op, const Workspace& space, std::int64_t row,
                    Sum* sums) {
    const std::int64_t channels = plan.tensors[op.output].channels;
    const Sum* bias = reinterpret_cast<const Sum*>(op.bias);
    for (std::int64_t i = 0; i < op.input_count; ++i) {
        const Tensor& in = plan.tensors[op.inputs[i]];
        const std::uint8_t* values = row_at(in, space, row);
        const Sum factor = static_cast<Sum>(op.factors[i]);
        const Sum* before = i ? sums : bias;
        for (std::int64_t c = 0; c < channels; c += lanes)
            store(sums + c,
                  load<Sums<Sum>>(before + c) + factor * load_lanes<Sum>(in, values, c));
    }
}

template <class Sum>
static void concat_row(const Plan& plan, const Op& op, const Workspace& space, std::int64_t row,
                       Sum* sums) {
    for (std::int64_t i = 0; i < op.input_count; ++i) {
        const Tensor& in = plan.tensors[op.inputs[i]];
        const std::uint8_t* values = row_at(in, space, row);
        for (std::int64_t c = 0; c < in.channels; c += lanes)
            store(sums + c, load_lanes<Sum>(in, values, c));
        sums += in.channels;
    }
}

// Rows are counted in the output's channels: an input may be held in rows of another length.
template <class Sum>
static void gather_row(const Plan& plan, const Op& op, const Workspace& space, const Place& place,
                       Sum* sums) {
    const std::int64_t channels = plan.tensors[op.output].channels;
    const std::int64_t* taken = op.factors + 3 * (place.y * op.out_width + place.x);
    const Tensor& in = plan.tensors[op.inputs[taken[0]]];
    const std::int64_t bytes = channels * (in.row_bytes / in.channels);
    const std::uint8_t* values = row_at(in, space, place.image * in.pixels) + taken[1] * bytes;
    const Sum factor = static_cast<Sum>(taken[2]);
    for (std::int64_t c = 0; c < channels; c += lanes)
        store(sums + c, factor * load_lanes<Sum>(in, values, c));
}
