// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Windows gathered into rows for the products of panels.

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

// Whether the lines of every window are looked up where they lie: none is in the margin, and rows of
// output are long enough to fill registers.
static bool reads_lines(const Op& op) {
    constexpr std::int64_t shortest = 6;
    return tables_in_place && op.kind == kind_tables && op.groups == 1 && op.top == 0 &&
           op.left == 0 && op.out_width >= shortest &&
           (op.out_height - 1) * op.stride_y + op.kernel_height <= op.height &&
           (op.out_width - 1) * op.stride_x + op.kernel_width <= op.width;
}

// Bytes of a row of `a` that one step reads, and of weights that it reads for one output.
static std::int64_t step_bytes(const Op& op, const Tensor& in) {
    return op.kind == kind_dot ? 4 : op.kind == kind_bits ? 4 * in.planes : 1;
}

static std::int64_t weight_bytes(const Op& op) {
    return op.kind == kind_dot ? 4 : op.kind == kind_bits ? (op.flag ? 8 : 4) : 1;
}

static bool has_panels(const Op& op) {
    return op.kind == kind_dot || op.kind == kind_bits || op.kind == kind_tables;
}

// Sums of products by look-ups, windows where they are: one line of output after the other.
static void look_up_lines(const Op& op, const Tensor& in, const Workspace& space,
                          std::int64_t first, std::int64_t rows, std::int64_t stride) {
    Product product{};
    product.a_bytes = op.stride_x * in.row_bytes, product.c_stride = stride;
    product.steps = op.steps, product.panels = op.panels;
    product.flag = op.flag, product.scale = op.scale, product.planes = in.planes;
    product.table = op.table, product.b = op.weights;
    product.bias = reinterpret_cast<const std::int32_t*>(op.bias);
    product.lines = op.kernel_height, product.line_bytes = op.width * in.row_bytes;
    Place place = place_of(op, first);
    for (std::int64_t row = 0; row < rows; row += product.rows) {
        product.rows = std::min(rows - row, op.out_width - place.x);
        const std::int64_t line = place.image * op.height + place.y * op.stride_y;
        product.a = row_at(in, space, line * op.width + place.x * op.stride_x);
        product.c = reinterpret_cast<std::int32_t*>(space.sums) + row * stride;
        if (op.counting == counting_shorts)
            product.shorts = reinterpret_cast<std::int16_t*>(space.sums) + row * stride;
        table_product(product);
        place = place_of(op, first + row + product.rows);
    }
}

// Sums of products by panels, of bytes, of planes of bits or looked up.
static void multiply(const Op& op, const Tensor& in, const Workspace& space, std::int64_t first,
                     std::int64_t rows, std::int64_t stride) {
    const bool direct = reads_in_place(op) || is_pointwise(op);
    if (!direct && reads_lines(op)) return look_up_lines(op, in, space, first, rows, stride);
    const std::int64_t panel = op.steps * lanes * weight_bytes(op);
    const std::int64_t gathered = op.steps * step_bytes(op, in);
    const std::int64_t in_place = in.row_bytes * op.kernel_height * op.kernel_width;
    Product product{};
    product.a_bytes = direct ? in_place : gathered;
    product.c_stride = stride, product.rows = rows;
    product.steps = op.steps, product.panels = op.panels;
    product.flag = op.flag, product.scale = op.scale, product.planes = in.planes;
    product.table = op.table, product.lines = 1;
    for (std::int64_t group = 0; group < op.groups; ++group) {
        if (!direct) gather(op, in, space, first, rows, group, gathered);
        product.a = direct ? rows_of(in, space) + first * in_place : space.gathered;
        product.b = op.weights + group * op.panels * panel;
        product.bias = reinterpret_cast<const std::int32_t*>(op.bias) + group * op.panels * lanes;
        product.c = reinterpret_cast<std::int32_t*>(space.sums) + group * op.group_outputs;
        if (op.counting == counting_shorts)
            product.shorts =
                reinterpret_cast<std::int16_t*>(space.sums) + group * op.group_outputs;
        if (op.kind == kind_dot) dot_product(product);
        if (op.kind == kind_bits) bits_product(product);
        if (op.kind == kind_tables) table_product(product);
    }
}
