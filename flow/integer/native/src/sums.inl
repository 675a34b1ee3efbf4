// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The sums of one row of output, for operations without panels.

static void depthwise_row(const Op& op, const Tensor& in, const Workspace& space,
                          const Place& place, std::int32_t* sums) {
    const std::int64_t channels = in.channels;
    const auto* weights = reinterpret_cast<const std::int32_t*>(op.weights);
    const auto low = static_cast<std::int32_t>(in.low);
    std::memcpy(sums, op.bias, static_cast<std::size_t>(channels) * sizeof *sums);
    visit_window(op, in, space, place, [&](std::int64_t tap, const std::uint8_t* row) {
        const std::int32_t* own = weights + tap * channels;
        each_lane(channels, [=](std::int64_t c) { sums[c] += own[c] * (low + row[c]); });
    });
}

template <class Sum>
static void matrix_row(const Op& op, const Tensor& in, const Workspace& space, const Place& place,
                       Sum* sums) {
    const std::int64_t inputs = in.channels / op.groups, outputs = op.group_outputs;
    const std::int64_t all = outputs * op.groups;
    const auto* weights = reinterpret_cast<const Sum*>(op.weights);
    Sum* values = reinterpret_cast<Sum*>(space.row);
    std::memcpy(sums, op.bias, static_cast<std::size_t>(all) * sizeof *sums);
    visit_window(op, in, space, place, [&](std::int64_t tap, const std::uint8_t* row) {
        load_row(in, row, 0, in.channels, values);
        for (std::int64_t group = 0; group < op.groups; ++group)
            for (std::int64_t i = 0; i < inputs; ++i) {
                const Sum value = values[group * inputs + i];
                const Sum* own = weights + (tap * inputs + i) * all + group * outputs;
                for (std::int64_t o = 0; o < outputs; ++o)
                    sums[group * outputs + o] += value * own[o];
            }
    });
}

template <class Sum>
static void max_row(const Op& op, const Tensor& in, const Workspace& space, const Place& place,
                    Sum* sums) {
    Sum* values = reinterpret_cast<Sum*>(space.row);
    std::fill(sums, sums + in.channels, std::numeric_limits<Sum>::min());
    visit_window(op, in, space, place, [&](std::int64_t, const std::uint8_t* row) {
        load_row(in, row, 0, in.channels, values);
        each_lane(in.channels, [=](std::int64_t c) {
            sums[c] = sums[c] > values[c] ? sums[c] : values[c];
        });
    });
}

template <class Sum>
static void sum_row(const Op& op, const Tensor& in, const Workspace& space, const Place& place,
                    Sum* sums) {
    Sum* values = reinterpret_cast<Sum*>(space.row);
    std::fill(sums, sums + in.channels, Sum{0});
    visit_window(op, in, space, place, [&](std::int64_t, const std::uint8_t* row) {
        load_row(in, row, 0, in.channels, values);
        each_lane(in.channels, [=](std::int64_t c) { sums[c] += values[c]; });
    });
}

template <class Sum>
static void add_row(const Plan& plan, const Op& op, const Workspace& space, std::int64_t row,
                    Sum* sums) {
    Sum* values = reinterpret_cast<Sum*>(space.row);
    const std::int64_t channels = plan.tensors[op.output].channels;
    std::memcpy(sums, op.bias, static_cast<std::size_t>(channels) * sizeof *sums);
    for (std::int64_t i = 0; i < op.input_count; ++i) {
        const Tensor& in = plan.tensors[op.inputs[i]];
        const Sum factor = static_cast<Sum>(op.factors[i]);
        load_row(in, row_at(in, space, row), 0, channels, values);
        each_lane(channels, [=](std::int64_t c) { sums[c] += factor * values[c]; });
    }
}

template <class Sum>
static void concat_row(const Plan& plan, const Op& op, const Workspace& space, std::int64_t row,
                       Sum* sums) {
    for (std::int64_t i = 0; i < op.input_count; ++i) {
        const Tensor& in = plan.tensors[op.inputs[i]];
        load_row(in, row_at(in, space, row), 0, in.channels, sums);
        sums += in.channels;
    }
}
