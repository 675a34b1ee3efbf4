// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Operations taken back; see gradient.hpp. Most gradients are 0: the maximum of a window passes one
// of its values, thresholds those between their ends. Only the others are multiplied.

static float* image_of(const GradientPlan& plan, const GradientSpace& space, std::int64_t image) {
    return space.values + image * plan.image_floats;
}

static Entries entries_of(const GradientPlan& plan, const GradientSpace& space,
                          std::int64_t image) {
    return {space.entries + image * plan.entries, space.channels + image * plan.entries};
}

static float* pixel_of(const Field& field, float* image, std::int64_t y, std::int64_t x) {
    return image + field.begin + y * field.line + x * field.channels;
}

// Where the window of an output begins in the input: it may be in the margin.
static float* window_of(const PullOp& op, const Field& to, float* image, std::int64_t y,
                        std::int64_t x) {
    return pixel_of(to, image, y * op.stride_y - op.top, x * op.stride_x - op.left);
}

// ---- products ---------------------------------------------------------------------------------

static std::int64_t blocks_of(const Field& from) {
    return (from.channels + gradient_block - 1) / gradient_block;
}

// List what is not 0 in one run of channels; return how many.
static std::int32_t list_run(const float* values, std::int64_t channels, const Entries& to) {
    std::int32_t count = 0;
    for (std::int64_t c = 0; c < channels; c += lanes) {
        const std::int64_t left = channels - c;
        const std::uint32_t valid = left < lanes ? (1U << left) - 1 : 0xFFFFU;
        count += keep_nonzeros(values + c, static_cast<std::int32_t>(c), valid,
                               to.values + count, to.channels + count);
    }
    return count;
}

// Block by block, pixel by pixel: the entries of a block lie in one piece.
static void list_image(const GradientPlan& plan, const Field& from, const GradientSpace& space,
                       std::int64_t image) {
    Entries next = entries_of(plan, space, image);
    std::int32_t* runs = space.runs + image * plan.runs;
    float* values = image_of(plan, space, image);
    for (std::int64_t c = 0; c < from.channels; c += gradient_block) {
        const std::int64_t channels = std::min(gradient_block, from.channels - c);
        for (std::int64_t y = 0; y < from.height; ++y)
            for (std::int64_t x = 0; x < from.width; ++x) {
                *runs = list_run(pixel_of(from, values, y, x) + c, channels, next);
                next = next.after(*runs++);
            }
    }
}

// Add the weights times the entries of a run, some lanes of some lines of the kernel.
template <int Lines, int Lanes>
static inline void add_run(const Entries& entries, std::int32_t count, const float* weights,
                           float* to, std::int64_t line) {
    constexpr int wide = Lanes / ints, registers = Lines * wide;
    FloatRegister sums[registers];
#pragma GCC unroll 16
    for (int i = 0; i < registers; ++i)
        sums[i] = load<FloatRegister>(to + i / wide * line + i % wide * ints);
    for (std::int32_t e = 0; e < count; ++e) {
        const FloatRegister value = FloatRegister{} + entries.values[e];
        const float* own = weights + entries.channels[e] * (Lines * Lanes);
#pragma GCC unroll 16
        for (int i = 0; i < registers; ++i)
            sums[i] += value * load<FloatRegister>(own + i * ints);
    }
#pragma GCC unroll 16
    for (int i = 0; i < registers; ++i)
        store(to + i / wide * line + i % wide * ints, sums[i]);
}

// A part of the kernel that is added at once, for a block of channels.
struct Tile {
    std::int64_t block;
    const float* weights;
    std::int64_t place;  // floats from a window's begin
};

// All entries of one image, through one tile.
template <int Lines, int Lanes>
static void add_tile(const GradientPlan& plan, const PullOp& op, const GradientSpace& space,
                     std::int64_t image, const Tile& tile) {
    const Field &from = plan.fields[op.source], &to = plan.fields[op.to];
    const std::int64_t before = tile.block * from.height * from.width;
    const std::int32_t* runs = space.runs + image * plan.runs;
    Entries next = entries_of(plan, space, image);
    for (std::int64_t run = 0; run < before; ++run) next = next.after(*runs++);
    float* values = image_of(plan, space, image);
    for (std::int64_t y = 0; y < from.height; ++y) {
        float* window = window_of(op, to, values, y, 0) + tile.place;
        for (std::int64_t x = 0; x < from.width; ++x, window += op.stride_x * to.channels) {
            if (*runs) add_run<Lines, Lanes>(next, *runs, tile.weights, window, to.line);
            next = next.after(*runs++);
        }
    }
}

using AddTile = void (*)(const GradientPlan&, const PullOp&, const GradientSpace&, std::int64_t,
                         const Tile&);

// Several lines of one register each, or one of several.
static AddTile tile_of(std::int64_t lines, std::int64_t groups) {
    static constexpr AddTile tall[] = {add_tile<1, lanes>, add_tile<2, lanes>, add_tile<3, lanes>,
                                       add_tile<4, lanes>};
    static constexpr AddTile wide[] = {add_tile<1, lanes>, add_tile<1, 2 * lanes>,
                                       add_tile<1, 3 * lanes>, add_tile<1, 4 * lanes>};
    return groups == 1 ? tall[lines - 1] : wide[groups - 1];
}

static void pull_products_back(const GradientPlan& plan, const PullOp& op,
                               const GradientSpace& space, std::int64_t begin, std::int64_t end) {
    const Field &from = plan.fields[op.source], &to = plan.fields[op.to];
    const std::int64_t span = op.kernel_width * to.channels;
    const std::int64_t most = span <= lanes ? 4 : 1;  // lines of a tile
    Tile tile{0, op.weights, 0};
    for (std::int64_t image = begin; image < end; ++image) list_image(plan, from, space, image);
    for (std::int64_t ky = 0; ky < op.kernel_height; ky += most)
        for (std::int64_t lane = 0; lane < span; lane += gradient_block) {
            const std::int64_t lines = std::min(most, op.kernel_height - ky);
            const std::int64_t groups = (std::min(gradient_block, span - lane) + lanes - 1) / lanes;
            const AddTile add = tile_of(lines, groups);
            tile.place = ky * to.line + lane;
            for (tile.block = 0; tile.block < blocks_of(from); ++tile.block) {
                for (std::int64_t image = begin; image < end; ++image)
                    add(plan, op, space, image, tile);
                const std::int64_t left = from.channels - tile.block * gradient_block;
                tile.weights += std::min(gradient_block, left) * lines * groups * lanes;
            }
        }
}

// ---- everything else, image by image ----------------------------------------------------------

static void pull_depthwise_back(const PullOp& op, const Field& from, const Field& to,
                                float* image) {
    for (std::int64_t y = 0; y < from.height; ++y)
        for (std::int64_t x = 0; x < from.width; ++x) {
            const float* values = pixel_of(from, image, y, x);
            float* window = window_of(op, to, image, y, x);
            const float* weights = op.weights;
            for (std::int64_t ky = 0; ky < op.kernel_height; ++ky, window += to.line)
                for (std::int64_t kx = 0; kx < op.kernel_width; ++kx, weights += to.channels) {
                    float* own = window + kx * to.channels;
#pragma GCC ivdep
                    for (std::int64_t c = 0; c < to.channels; ++c) own[c] += values[c] * weights[c];
                }
        }
}

// Values times slopes where the trace is not 0.
static void scale_row(const std::uint8_t* trace, const float* slopes, std::int64_t channels,
                      float* values) {
    std::int64_t c = 0;
    for (; c + lanes <= channels; c += lanes) {
        IntRegister passed[lanes / ints];
        const Ints found = widen(trace + c);
        std::memcpy(passed, &found, sizeof passed);
        for (std::int64_t i = 0, at = c; i < lanes / ints; ++i, at += ints) {
            const auto scaled = load<FloatRegister>(values + at) * load<FloatRegister>(slopes + at);
            const IntRegister inside = passed[i] != 0;
            store(values + at, inside & reinterpret_cast<IntRegister>(scaled));
        }
    }
    for (; c < channels; ++c) values[c] = trace[c] ? values[c] * slopes[c] : 0.0F;
}

static void pull_counts_back(const PullOp& op, const Field& from, const std::uint8_t* trace,
                             float* image) {
    for (std::int64_t y = 0; y < from.height; ++y)
        for (std::int64_t x = 0; x < from.width; ++x, trace += from.channels)
            scale_row(trace, op.weights, from.channels, pixel_of(from, image, y, x));
}

// Where each place of a window lies in the input, in floats.
static void list_places(const PullOp& op, const Field& to, std::int32_t* places) {
    for (std::int64_t ky = 0; ky < op.kernel_height; ++ky)
        for (std::int64_t kx = 0; kx < op.kernel_width; ++kx)
            *places++ = static_cast<std::int32_t>(ky * to.line + kx * to.channels);
}

static void pull_max_back(const PullOp& op, const Field& from, const Field& to,
                          const std::uint8_t* trace, float* image) {
    std::int32_t places[256];
    list_places(op, to, places);
    for (std::int64_t y = 0; y < from.height; ++y)
        for (std::int64_t x = 0; x < from.width; ++x, trace += from.channels) {
            const float* values = pixel_of(from, image, y, x);
            float* window = window_of(op, to, image, y, x);
            float kept[gradient_block + lanes];
            std::int32_t channels_of[gradient_block + lanes];
            const Entries passed{kept, channels_of};
            for (std::int64_t c = 0; c < from.channels; c += gradient_block) {
                const std::int64_t channels = std::min(gradient_block, from.channels - c);
                const std::int32_t count = list_run(values + c, channels, passed);
                for (std::int32_t e = 0; e < count; ++e) {
                    const std::int64_t own = c + passed.channels[e];
                    if (trace[own]) window[places[trace[own] - 1] + own] += passed.values[e];
                }
            }
        }
}

static void pull_sum_back(const PullOp& op, const Field& from, const Field& to, float* image) {
    for (std::int64_t y = 0; y < from.height; ++y)
        for (std::int64_t x = 0; x < from.width; ++x) {
            const float* values = pixel_of(from, image, y, x);
            float* window = window_of(op, to, image, y, x);
            for (std::int64_t ky = 0; ky < op.kernel_height; ++ky, window += to.line)
                for (std::int64_t kx = 0; kx < op.kernel_width; ++kx) {
                    float* own = window + kx * to.channels;
#pragma GCC ivdep
                    for (std::int64_t c = 0; c < to.channels; ++c) own[c] += values[c];
                }
        }
}

// Rows of one field may hold several pixels of the other: both are walked value by value.
static void pull_term_back(const PullOp& op, const Field& from, const Field& to, float* image) {
    const float factor = *op.weights;
    const bool flat = from.height * from.width != to.height * to.width;
    const float* line = image + from.begin;
    for (std::int64_t y = 0; y < to.height; ++y)
        for (std::int64_t x = 0; x < to.width; ++x) {
            float* own = pixel_of(to, image, y, x);
            const float* values = flat ? line : pixel_of(from, image, y, x) + op.first;
#pragma GCC ivdep
            for (std::int64_t c = 0; c < to.channels; ++c) own[c] += factor * values[c];
            line += to.channels;
        }
}

static void pull_op(const GradientPlan& plan, std::int64_t index, const GradientSpace& space,
                    std::int64_t begin, std::int64_t end) {
    const PullOp& op = plan.ops[index];
    if (op.kind == pull_products) return pull_products_back(plan, op, space, begin, end);
    const Field &from = plan.fields[op.source], &to = plan.fields[op.to];
    for (std::int64_t i = begin; i < end; ++i) {
        float* image = image_of(plan, space, i);
        const std::uint8_t* trace = space.trace + i * plan.trace_bytes + op.trace;
        if (op.kind == pull_depthwise) pull_depthwise_back(op, from, to, image);
        if (op.kind == pull_counts) pull_counts_back(op, from, trace, image);
        if (op.kind == pull_max) pull_max_back(op, from, to, trace, image);
        if (op.kind == pull_sum) pull_sum_back(op, from, to, image);
        if (op.kind == pull_term) pull_term_back(op, from, to, image);
    }
}
