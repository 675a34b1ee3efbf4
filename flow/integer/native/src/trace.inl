// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What a gradient needs to know of the outputs, a byte each; see Op::trace. Like other rows, those
// of a trace are written in ascending order and spill.

static bool traces(const Op& op, const Workspace& space) { return space.trace && op.trace >= 0; }

static std::uint8_t* trace_at(const Plan& plan, const Op& op, const Workspace& space,
                              std::int64_t row) {
    const std::int64_t pixels = op.out_height * op.out_width;
    const std::int64_t channels = plan.tensors[op.output].channels;
    return space.trace + row / pixels * plan.trace_bytes + op.trace + row % pixels * channels;
}

// Let 0 stand for the sums outside of their bounds, and 1 for the others that are no maximum.
static void trace_row(const Plan& plan, const Op& op, const Workspace& space, std::int64_t row,
                      const std::int32_t* sums) {
    const std::int64_t channels = plan.tensors[op.output].channels;
    std::uint8_t* trace = trace_at(plan, op, space, row);
    if (op.counting == counting_none) return;
    const auto* least = reinterpret_cast<const std::int32_t*>(op.trace_low);
    const auto* most = reinterpret_cast<const std::int32_t*>(op.trace_high);
    const bool tapped = op.kind == kind_max;
    for (std::int64_t c = 0; c < channels; c += lanes) {
        IntRegister found[lanes / ints];
        const Ints taps = tapped ? widen(trace + c) : Ints{} + 1;
        std::memcpy(found, &taps, sizeof found);
        for (std::int64_t i = 0, at = c; i < lanes / ints; ++i, at += ints) {
            const auto sum = load<IntRegister>(sums + at);
            found[i] &= (sum >= load<IntRegister>(least + at)) &
                        (sum <= load<IntRegister>(most + at));
        }
        narrow(trace + c, load<Ints>(found));
    }
}

// The greatest value of each channel, and where the first such stands.
static void traced_max_row(const Plan& plan, const Op& op, const Workspace& space,
                           std::int64_t row, const Place& place, std::int32_t* sums) {
    const Tensor& in = plan.tensors[op.inputs[0]];
    std::uint8_t* trace = trace_at(plan, op, space, row);
    const std::int64_t count = list_taps(op, in, space, place);
    const Tap* taps = reinterpret_cast<const Tap*>(space.taps);
    for (std::int64_t c = 0; c < in.channels; c += lanes) {
        IntRegister best[lanes / ints], where[lanes / ints];
        for (std::int64_t t = 0; t < count; ++t) {
            const Ints values = load_lanes<std::int32_t>(in, taps[t].row, c);
            IntRegister other[lanes / ints];
            std::memcpy(other, &values, sizeof other);
            const auto index = IntRegister{} + static_cast<std::int32_t>(taps[t].index + 1);
            for (std::int64_t i = 0; i < lanes / ints; ++i) {
                const IntRegister greater = t ? other[i] > best[i] : IntRegister{} - 1;
                best[i] = greater ? other[i] : best[i];
                where[i] = greater ? index : where[i];
            }
        }
        std::memcpy(sums + c, best, sizeof best);
        narrow(trace + c, load<Ints>(where));
    }
}
