// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Rows of values: one a pixel, channels side by side; and the windows over them.

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
    return tensor.arena < 0 ? space.image : space.arena + tensor.arena;
}

static const std::uint8_t* row_at(const Tensor& tensor, const Workspace& space, std::int64_t row) {
    return rows_of(tensor, space) + row * tensor.row_bytes;
}

static std::uint8_t* output_at(const Tensor& tensor, const Workspace& space, std::int64_t row) {
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

// Sixteen values of a row as integers.
template <class Sum>
static inline Sums<Sum> load_lanes(const Tensor& in, const std::uint8_t* row, std::int64_t c) {
    switch (in.format) {
        case format_u8:
            return __builtin_convertvector(widen(row + c), Sums<Sum>) + static_cast<Sum>(in.low);
        case format_i32:
            return __builtin_convertvector(load<Ints>(row + c * 4), Sums<Sum>);
        default:
            return __builtin_convertvector(load<Wides>(row + c * 8), Sums<Sum>);
    }
}

// A pixel of a window: its row, and its place among the kernel's pixels.
struct Tap {
    const std::uint8_t* row;
    std::int64_t index;
};

// List the pixels of the window at a place that lie inside the image; return how many.
static std::int64_t list_taps(const Op& op, const Tensor& in, const Workspace& space,
                              const Place& place) {
    Tap* next = reinterpret_cast<Tap*>(space.taps);
    const std::int64_t y = place.y * op.stride_y - op.top, x = place.x * op.stride_x - op.left;
    const std::int64_t first = std::max<std::int64_t>(0, -x);
    const std::int64_t last = std::min(op.kernel_width, op.width - x);
    for (std::int64_t ky = 0; ky < op.kernel_height; ++ky) {
        if (y + ky < 0 || y + ky >= op.height) continue;
        const std::int64_t pixel = (place.image * op.height + y + ky) * op.width + x + first;
        const std::uint8_t* row = row_at(in, space, pixel);
        for (std::int64_t kx = first; kx < last; ++kx, row += in.row_bytes)
            *next++ = {row, ky * op.kernel_width + kx};
    }
    return next - reinterpret_cast<Tap*>(space.taps);
}
