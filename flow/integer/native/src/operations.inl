// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Every operation in plain loops, compiled once for each instruction set (the loops are written so
// that the compiler vectorises them). Included inside a namespace of its own after the kernels
// dot_product, bits_product and pack_planes of that set.
//
// Rows are written in ascending order, and a row may spill past its end into the next one or into
// the slack after the buffer.

struct Place {
    std::int64_t image, y, x;
};

static Place place_of(const Op& op, std::int64_t row) {
    const std::int64_t pixels = op.out_height * op.out_width;
    const std::int64_t pixel = row % pixels;
    return {row / pixels, pixel / op.out_width, pixel % op.out_width};
}

static void advance(const Op& op, Place& place) {
    if (++place.x < op.out_width) return;
    place.x = 0;
    if (++place.y < op.out_height) return;
    place.y = 0;
    ++place.image;
}

static const std::uint8_t* rows_of(const Tensor& tensor, const Workspace& space) {
    return space.arena + tensor.arena;
}

static std::uint8_t* row_at(const Tensor& tensor, const Workspace& space, std::int64_t row) {
    return space.arena + tensor.arena + row * tensor.row_bytes;
}

// Call visit(c) for every channel, in whole groups of 16: arrays have slack, and no two overlap.
template <class Visit>
static inline void each_lane(std::int64_t channels, Visit visit) {
    for (std::int64_t first = 0; first < channels; first += lanes)
#pragma GCC ivdep
        for (std::int64_t i = 0; i < lanes; ++i) visit(first + i);
}

// Copy and touch up to 31 bytes after both ends.
static inline void copy_spilling(std::uint8_t* to, const std::uint8_t* from, std::int64_t bytes) {
    for (std::int64_t done = 0; done < bytes; done += 32) std::memcpy(to + done, from + done, 32);
}

// ---- gathering windows ------------------------------------------------------------------------

static void gather_line(const Op& op, const Tensor& in, const std::uint8_t* line, std::int64_t x,
                        std::int64_t record, std::uint8_t* to) {
    for (std::int64_t kx = 0; kx < op.kernel_width; ++kx) {
        const bool inside = x + kx >= 0 && x + kx < op.width;
        const std::uint8_t* from = inside ? line + (x + kx) * in.row_bytes : op.padding;
        copy_spilling(to + kx * record, from, record);
    }
}

// One row of the tile for each output pixel: [ky][kx][channels of the group].
static void gather(const Op& op, const Tensor& in, const Workspace& space, std::int64_t first,
                   std::int64_t rows, std::int64_t group, std::int64_t a_bytes) {
    const std::int64_t record = in.row_bytes / op.groups, span = record * op.kernel_width;
    const std::uint8_t* base = rows_of(in, space) + group * record;
    Place place = place_of(op, first);
    std::uint8_t* to = space.gathered;
    for (std::int64_t row = 0; row < rows; ++row, to += a_bytes, advance(op, place)) {
        const std::int64_t y = place.y * op.stride_y - op.top, x = place.x * op.stride_x - op.left;
        const bool whole = op.groups == 1 && x >= 0 && x + op.kernel_width <= op.width;
        for (std::int64_t ky = 0; ky < op.kernel_height; ++ky) {
            const bool inside = y + ky >= 0 && y + ky < op.height;
            const std::int64_t pixel = (place.image * op.height + y + ky) * op.width;
            const std::uint8_t* line = base + pixel * in.row_bytes;
            std::uint8_t* part = to + ky * span;
            if (!inside)
                copy_spilling(part, op.padding, span);
            else if (whole)
                copy_spilling(part, line + x * in.row_bytes, span);
            else
                gather_line(op, in, line, x, record, part);
        }
    }
}

static bool reads_in_place(const Op& op) {
    return op.groups == 1 && op.kernel_height == op.height && op.kernel_width == op.width &&
           op.out_height == 1 && op.out_width == 1 && op.top == 0 && op.left == 0;
}

static bool is_pointwise(const Op& op) {
    return op.groups == 1 && op.kernel_height == 1 && op.kernel_width == 1 && op.stride_y == 1 &&
           op.stride_x == 1 && op.out_height == op.height && op.out_width == op.width &&
           op.top == 0 && op.left == 0;
}

// Sums of products by panels, of bytes or of planes of bits.
static void multiply(const Op& op, const Tensor& in, const Workspace& space, std::int64_t first,
                     std::int64_t rows, std::int64_t stride) {
    const bool bits = op.kind == kind_bits, direct = reads_in_place(op) || is_pointwise(op);
    const std::int64_t panel = op.steps * lanes * 4 * (bits && op.flag ? 2 : 1);
    const std::int64_t gathered = op.steps * 4 * (bits ? in.planes : 1);
    const std::int64_t in_place = in.row_bytes * op.kernel_height * op.kernel_width;
    Product product{};
    product.a_bytes = direct ? in_place : gathered;
    product.c_stride = stride, product.rows = rows;
    product.steps = op.steps, product.panels = op.panels;
    product.flag = op.flag, product.scale = op.scale, product.planes = in.planes;
    for (std::int64_t group = 0; group < op.groups; ++group) {
        if (!direct) gather(op, in, space, first, rows, group, gathered);
        product.a = direct ? rows_of(in, space) + first * in_place : space.gathered;
        product.b = op.weights + group * op.panels * panel;
        product.bias = reinterpret_cast<const std::int32_t*>(op.bias) + group * op.panels * lanes;
        product.c = reinterpret_cast<std::int32_t*>(space.sums) + group * op.group_outputs;
        bits ? bits_product(product) : dot_product(product);
    }
}

// ---- rows as integers -------------------------------------------------------------------------

template <class Sum>
static void load_row(const Tensor& in, const std::uint8_t* row, std::int64_t first,
                     std::int64_t count, Sum* to) {
    const std::int32_t* narrow = reinterpret_cast<const std::int32_t*>(row) + first;
    const std::int64_t* wide = reinterpret_cast<const std::int64_t*>(row) + first;
    const Sum low = static_cast<Sum>(in.low);
    switch (in.format) {
        case format_u8:
            return each_lane(count, [=](std::int64_t c) { to[c] = low + row[first + c]; });
        case format_i32:
            return each_lane(count, [=](std::int64_t c) { to[c] = narrow[c]; });
        default:
            each_lane(count, [=](std::int64_t c) { to[c] = static_cast<Sum>(wide[c]); });
    }
}

// Call visit(tap, row) for every pixel of the window at a place that lies inside the image.
template <class Visit>
static void visit_window(const Op& op, const Tensor& in, const Workspace& space, const Place& place,
                         Visit visit) {
    const std::int64_t y = place.y * op.stride_y - op.top, x = place.x * op.stride_x - op.left;
    for (std::int64_t ky = 0; ky < op.kernel_height; ++ky) {
        if (y + ky < 0 || y + ky >= op.height) continue;
        for (std::int64_t kx = 0; kx < op.kernel_width; ++kx) {
            if (x + kx < 0 || x + kx >= op.width) continue;
            const std::int64_t pixel = (place.image * op.height + y + ky) * op.width + x + kx;
            visit(ky * op.kernel_width + kx, row_at(in, space, pixel));
        }
    }
}

// ---- sums of one row --------------------------------------------------------------------------

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

// ---- thresholds -------------------------------------------------------------------------------

static std::int64_t padded(std::int64_t channels) {
    return (channels + channel_padding - 1) / channel_padding * channel_padding;
}

#pragma GCC diagnostic ignored "-Wpsabi"  // no such register crosses a call
// Registers of 16 channels, of whatever width the instruction set has.
using Floats [[gnu::vector_size(4 * lanes)]] = float;
using Doubles [[gnu::vector_size(8 * lanes)]] = double;
using Ints [[gnu::vector_size(4 * lanes)]] = std::int32_t;
using Bytes [[gnu::vector_size(lanes)]] = std::uint8_t;

template <class Register, class Element>
static inline Register load(const Element* from) {
    Register found;
    std::memcpy(&found, from, sizeof found);
    return found;
}

static inline void store_bytes(std::uint8_t* to, const Ints& values) {
    const Bytes bytes = __builtin_convertvector(values, Bytes);
    std::memcpy(to, &bytes, sizeof bytes);
}

// Counts of up to 255 levels; Real is float or double, Reals 16 of them.
template <class Real, class Reals>
static void count_by_line(const Op& op, std::int64_t channels, const std::int32_t* sums,
                          std::uint8_t* counts) {
    const Reals least = {}, most = least + static_cast<Real>(op.levels);
    const Real* slope = reinterpret_cast<const Real*>(op.slope);
    const Real* start = reinterpret_cast<const Real*>(op.start);
    for (std::int64_t c = 0; c < channels; c += lanes) {
        const Reals values = __builtin_convertvector(load<Ints>(sums + c), Reals);
        Reals level = values * load<Reals>(slope + c) + load<Reals>(start + c);
        level = level > least ? level : least;
        level = level < most ? level : most;
        store_bytes(counts + c, __builtin_convertvector(level, Ints));
    }
}

static void count_by_compare(const Op& op, std::int64_t channels, const std::int32_t* sums,
                             std::uint8_t* counts) {
    const auto* thresholds = reinterpret_cast<const std::int32_t*>(op.thresholds);
    const std::int64_t row = padded(channels), levels = op.levels;
    for (std::int64_t c = 0; c < channels; c += lanes) {
        const Ints values = load<Ints>(sums + c);
        Ints found = {};
        for (std::int64_t level = 0; level < levels; ++level)
            found -= values >= load<Ints>(thresholds + level * row + c);
        store_bytes(counts + c, found);
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

// ---- results ----------------------------------------------------------------------------------

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
        count_by_line<float, Floats>(op, channels, sums, counts);
    else if (op.counting == counting_fine_line)
        count_by_line<double, Doubles>(op, channels, sums, counts);
    else
        count_by_compare(op, channels, sums, counts);
    if (counts != to) store_counts(op, out, counts, to);
}

template <class Sum>
static void finish_search(const Op& op, const Tensor& out, Sum* sums, std::uint8_t* spare,
                          std::uint8_t* to) {
    const Sum low = static_cast<Sum>(op.low), step = static_cast<Sum>(op.step);
    count_by_search(op, out.channels, sums);
    if (out.format == format_bits) {
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

// ---- running ----------------------------------------------------------------------------------

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
            return max_row(op, in, space, place, sums);
        case kind_sum:
            return sum_row(op, in, space, place, sums);
        case kind_concat:
            return concat_row(plan, op, space, row, sums);
        default:
            return add_row(plan, op, space, row, sums);
    }
}

// Pack a whole tile at once, when its counts have long been written.
static void pack_tile(const Tensor& out, const Workspace& space, std::int64_t first,
                      std::int64_t rows) {
    for (std::int64_t row = 0; row < rows; ++row)
        pack_planes(space.codes + row * padded(out.channels), out.channels, out.planes,
                    reinterpret_cast<std::uint32_t*>(row_at(out, space, first + row)));
}

static std::uint8_t* output_row(const Plan& plan, const Op& op, const Workspace& space,
                                std::int64_t row) {
    if (&op == plan.ops + plan.op_count - 1)
        return reinterpret_cast<std::uint8_t*>(space.logits + row * plan.classes);
    return row_at(plan.tensors[op.output], space, row);
}

template <class Sum>
static void run_tile(const Plan& plan, const Op& op, const Workspace& space, std::int64_t first,
                     std::int64_t rows) {
    const Tensor& out = plan.tensors[op.output];
    const bool panels = op.kind == kind_dot || op.kind == kind_bits;
    const std::int64_t stride = (op.groups - 1) * op.group_outputs + op.panels * lanes;
    Sum* sums = reinterpret_cast<Sum*>(space.sums);
    if (panels) multiply(op, plan.tensors[op.inputs[0]], space, first, rows, stride);
    const bool bits = out.format == format_bits;
    Place place = place_of(op, first);
    for (std::int64_t row = 0; row < rows; ++row, advance(op, place)) {
        Sum* own = panels ? sums + row * stride : sums;
        if (!panels) sum_one(plan, op, space, first + row, place, own);
        std::uint8_t* codes = bits ? space.codes + row * padded(out.channels) : space.row;
        finish_row(op, out, own, codes, output_row(plan, op, space, first + row));
    }
    if (bits) pack_tile(out, space, first, rows);
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
                         std::int64_t rows) {
    const Tensor &in = plan.tensors[op.inputs[0]], &out = plan.tensors[op.output];
    const std::int64_t words = in.row_bytes / 4;
    Place place{};
    for (std::int64_t row = 0; row < rows; ++row, advance(op, place)) {
        auto* best = reinterpret_cast<std::uint32_t*>(row_at(out, space, row));
        std::fill(best, best + words, 0U);
        visit_window(op, in, space, place, [&](std::int64_t, const std::uint8_t* bytes) {
            const auto* other = reinterpret_cast<const std::uint32_t*>(bytes);
            for (std::int64_t w = 0; w < words; w += in.planes)
                max_planes(best + w, other + w, in.planes);
        });
    }
}

static void run_max_bytes(const Plan& plan, const Op& op, const Workspace& space,
                          std::int64_t rows) {
    const Tensor &in = plan.tensors[op.inputs[0]], &out = plan.tensors[op.output];
    Place place{};
    for (std::int64_t row = 0; row < rows; ++row, advance(op, place)) {
        std::uint8_t* best = row_at(out, space, row);
        std::memset(best, 0, static_cast<std::size_t>(in.channels));
        visit_window(op, in, space, place, [&](std::int64_t, const std::uint8_t* other) {
            each_lane(in.channels, [=](std::int64_t c) {
                best[c] = best[c] > other[c] ? best[c] : other[c];
            });
        });
    }
}

static bool stays_bytes(const Plan& plan, const Op& op) {
    const Tensor &in = plan.tensors[op.inputs[0]], &out = plan.tensors[op.output];
    return op.kind == kind_max && op.counting == counting_none && in.format == format_u8 &&
           out.format == format_u8 && in.low == out.low;
}

static void run_op(const Plan& plan, std::int64_t index, const Workspace& space) {
    const Op& op = plan.ops[index];
    const std::int64_t rows = space.images * op.out_height * op.out_width;
    if (op.kind == kind_max_bits) return run_max_bits(plan, op, space, rows);
    if (stays_bytes(plan, op)) return run_max_bytes(plan, op, space, rows);
    for (std::int64_t first = 0; first < rows; first += op.tile_rows) {
        const std::int64_t count = std::min(op.tile_rows, rows - first);
        op.wide ? run_tile<std::int64_t>(plan, op, space, first, count)
                : run_tile<std::int32_t>(plan, op, space, first, count);
    }
}
