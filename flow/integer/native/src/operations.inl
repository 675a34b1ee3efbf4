// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Every operation in plain loops, compiled once for each instruction set (the loops are written so
// that the compiler vectorises them). Included inside a namespace of its own after the kernels
// dot_product, bits_product, table_product, pack_planes and pack_nibbles of that set.
//
// Rows are written in ascending order, and a row may spill past its end into the next one or into
// the slack after the buffer.

#include "rows.inl"

#include "counting.inl"
#include "trace.inl"
#include "gather.inl"
#include "sums.inl"

template <class Sum>
static void sum_one(const Plan& plan, const Op& op, const Workspace& space, std::int64_t row,
                    const Place& place, Sum* sums) {
    const Tensor& in = plan.tensors[op.inputs[0]];
    switch (op.kind) {
        case kind_depthwise:
            if constexpr (sizeof(Sum) == 4) depthwise_row(op, in, space, place, sums);
            return;
        case kind_matrix:
            return matrix_row(op, in, space, place, sums);
        case kind_max:
            if constexpr (sizeof(Sum) == 4)
                if (traces(op, space)) return traced_max_row(plan, op, space, row, place, sums);
            return max_row(op, in, space, place, sums);
        case kind_sum:
            return sum_row(op, in, space, place, sums);
        case kind_concat:
            return concat_row(plan, op, space, row, sums);
        case kind_gather:
            return gather_row(plan, op, space, place, sums);
        default:
            return add_row(plan, op, space, row, sums);
    }
}

// Pack counts of one row; those beyond the last channel are 0 in nibbles.
static void pack_row(const Tensor& out, std::uint8_t* codes, std::uint8_t* to) {
    if (out.format == format_bits)
        return pack_planes(codes, out.channels, out.planes, reinterpret_cast<std::uint32_t*>(to));
    std::fill(codes + out.channels, codes + padded(out.channels), std::uint8_t{0});
    pack_nibbles(codes, out.channels, out.planes, to);
}

// Rows that one thread computes: `last` is written aside where another thread writes the next one,
// since rows spill.
struct Range {
    std::int64_t begin, end, last;
};

static std::uint8_t* output_row(const Plan& plan, const Op& op, const Workspace& space,
                                const Range& range, std::int64_t row) {
    if (&op == plan.ops + plan.op_count - 1)
        return reinterpret_cast<std::uint8_t*>(space.logits + row * plan.classes);
    if (row == range.last) return space.last;
    return output_at(plan.tensors[op.output], space, row);
}

static bool is_packed(const Tensor& out) {
    return out.format == format_bits || out.format == format_nibbles;
}

// Whether sums in 16 bits become nibbles without being bytes on the way.
static bool packs_counts(const Op& op, const Tensor& out) {
    return counts_to_nibbles && op.counting == counting_shorts && out.format == format_nibbles;
}

// Thresholds of the image's own bytes.
static void run_bytes(const Plan& plan, const Op& op, const Workspace& space, const Range& range) {
    const Tensor &in = plan.tensors[op.inputs[0]], &out = plan.tensors[op.output];
    for (std::int64_t row = range.begin; row < range.end; ++row) {
        std::uint8_t* to = output_row(plan, op, space, range, row);
        finish_bytes(op, out, row_at(in, space, row), space.row, to);
        if (is_packed(out)) pack_row(out, space.row, to);
    }
}

template <class Sum>
static void run_tile(const Plan& plan, const Op& op, const Workspace& space, const Range& range,
                     std::int64_t first, std::int64_t rows) {
    const Tensor& out = plan.tensors[op.output];
    const bool direct = packs_counts(op, out);
    const bool panels = has_panels(op), packed = is_packed(out) && !direct;
    const std::int64_t stride = (op.groups - 1) * op.group_outputs + op.panels * lanes;
    Sum* sums = reinterpret_cast<Sum*>(space.sums);
    if (panels) multiply(op, plan.tensors[op.inputs[0]], space, first, rows, stride);
    Place place = place_of(op, first);
    for (std::int64_t row = 0; row < rows; ++row, advance(op, place)) {
        std::uint8_t* codes = packed ? space.codes + row * padded(out.channels) : space.row;
        std::uint8_t* to = output_row(plan, op, space, range, first + row);
        if (op.counting == counting_shorts) {
            const auto* own = reinterpret_cast<const std::int16_t*>(space.sums) + row * stride;
            const auto* thresholds = reinterpret_cast<const std::int16_t*>(op.thresholds);
            direct ? pack_counts(op.levels, own, thresholds, padded(out.channels), out.planes, to)
                   : finish_shorts(op, out, own, codes, to);
            continue;
        }
        Sum* own = panels ? sums + row * stride : sums;
        if (!panels) sum_one(plan, op, space, first + row, place, own);
        if constexpr (sizeof(Sum) == 4)
            if (traces(op, space)) trace_row(plan, op, space, first + row, own);
        finish_row(op, out, own, codes, to);
    }
    if (!packed) return;
    std::uint8_t* codes = space.codes;  // all at once, when the counts have long been written
    for (std::int64_t row = 0; row < rows; ++row, codes += padded(out.channels))
        pack_row(out, codes, output_row(plan, op, space, range, first + row));
}

// The greatest code of each channel, bit by bit from the highest plane.
static void max_planes(std::uint32_t* best, const std::uint32_t* other, std::int64_t planes) {
    std::uint32_t greater = 0, equal = ~0U;
    for (std::int64_t p = planes - 1; p >= 0; --p) {
        greater |= equal & other[p] & ~best[p];
        equal &= ~(other[p] ^ best[p]);
    }
    for (std::int64_t p = 0; p < planes; ++p) best[p] = (other[p] & greater) | (best[p] & ~greater);
}

static void run_max_bits(const Plan& plan, const Op& op, const Workspace& space,
                         const Range& range) {
    const Tensor& in = plan.tensors[op.inputs[0]];
    const std::int64_t words = in.row_bytes / 4;
    Place place = place_of(op, range.begin);
    for (std::int64_t row = range.begin; row < range.end; ++row, advance(op, place)) {
        auto* best = reinterpret_cast<std::uint32_t*>(output_row(plan, op, space, range, row));
        const std::int64_t count = list_taps(op, in, space, place);
        std::memcpy(best, taps_of(space)[0].row, static_cast<std::size_t>(in.row_bytes));
        for (std::int64_t t = 1; t < count; ++t) {
            const auto* other = reinterpret_cast<const std::uint32_t*>(taps_of(space)[t].row);
            for (std::int64_t w = 0; w < words; w += in.planes)
                max_planes(best + w, other + w, in.planes);
        }
    }
}

static void run_max_bytes(const Plan& plan, const Op& op, const Workspace& space,
                          const Range& range) {
    const Tensor& in = plan.tensors[op.inputs[0]];
    Place place = place_of(op, range.begin);
    for (std::int64_t row = range.begin; row < range.end; ++row, advance(op, place)) {
        std::uint8_t* best = output_row(plan, op, space, range, row);
        const std::int64_t count = list_taps(op, in, space, place);
        const Tap* taps = taps_of(space);
        for (std::int64_t c = 0; c < in.channels; c += lanes) {
            Bytes most = load<Bytes>(taps[0].row + c);
            for (std::int64_t t = 1; t < count; ++t) {
                const Bytes other = load<Bytes>(taps[t].row + c);
                most = most > other ? most : other;
            }
            store(best + c, most);
        }
    }
}

// The greatest code of each channel, field by field of a byte.
static inline Bytes max_fields(Bytes one, Bytes other, std::int64_t planes) {
    if (planes == 1) return one | other;
    const Bytes field = Bytes{} + static_cast<std::uint8_t>(0x30), next = field << 2;
    const Bytes low = (one & field) > (other & field) ? one & field : other & field;
    const Bytes high = (one & next) > (other & next) ? one & next : other & next;
    return low | high;
}

static void run_max_nibbles(const Plan& plan, const Op& op, const Workspace& space,
                            const Range& range) {
    const Tensor& in = plan.tensors[op.inputs[0]];
    Place place = place_of(op, range.begin);
    for (std::int64_t row = range.begin; row < range.end; ++row, advance(op, place)) {
        std::uint8_t* best = output_row(plan, op, space, range, row);
        const std::int64_t count = list_taps(op, in, space, place);
        const Tap* taps = taps_of(space);
        for (std::int64_t at = 0; at < in.row_bytes; at += lanes) {
            Bytes most = load<Bytes>(taps[0].row + at);
            for (std::int64_t t = 1; t < count; ++t)
                most = max_fields(most, load<Bytes>(taps[t].row + at), in.planes);
            store(best + at, most);
        }
    }
}

static bool stays_bytes(const Plan& plan, const Op& op) {
    const Tensor &in = plan.tensors[op.inputs[0]], &out = plan.tensors[op.output];
    return op.kind == kind_max && op.counting == counting_none && in.format == format_u8 &&
           out.format == format_u8 && in.low == out.low;
}

static void run_range(const Plan& plan, const Op& op, const Workspace& space, const Range& range) {
    if (op.kind == kind_max_bits) return run_max_bits(plan, op, space, range);
    if (op.kind == kind_max_nibbles) return run_max_nibbles(plan, op, space, range);
    if (stays_bytes(plan, op) && !traces(op, space)) return run_max_bytes(plan, op, space, range);
    if (op.counting == counting_bytes) return run_bytes(plan, op, space, range);
    for (std::int64_t first = range.begin; first < range.end; first += op.tile_rows) {
        const std::int64_t count = std::min(op.tile_rows, range.end - first);
        op.wide ? run_tile<std::int64_t>(plan, op, space, range, first, count)
                : run_tile<std::int32_t>(plan, op, space, range, first, count);
    }
}

static void run_op(const Plan& plan, std::int64_t index, const Workspace& space,
                   std::int64_t begin, std::int64_t end) {
    const Op& op = plan.ops[index];
    const bool whole = end == space.images * op.out_height * op.out_width;
    const bool aside = !whole && index + 1 < plan.op_count;
    const Range range{begin, end, aside ? end - 1 : -1};
    run_range(plan, op, space, range);
    if (!aside) return;
    const Tensor& out = plan.tensors[op.output];
    std::memcpy(output_at(out, space, range.last), space.last,
                static_cast<std::size_t>(out.row_bytes));
}

#include "gradient.inl"
