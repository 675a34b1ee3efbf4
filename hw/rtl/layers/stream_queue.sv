// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Registers on a stream, both ways: valid, data and ready all come from flip-flops.
//
// Out:     the beats that come in, in order.
// Timing:  latency two cycles, one beat a cycle; holds Depth beats in shift registers and one in
//          the output register.

module stream_queue #(
  parameter int unsigned Width = 8,
  parameter int unsigned Depth = 2
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [Width-1:0] in_data_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Width-1:0] out_data_o
);

  if (Width < 1 || Depth < 2) begin : gen_illegal_size
    $error("stream_queue: Width=%0d must be at least 1, Depth=%0d at least 2", Width, Depth);
  end

  typedef logic [$clog2(Depth+1)-1:0] fill_t;
  typedef logic [$clog2(Depth)-1:0]   place_t;

  fill_t fill_q, fill_d;  // beats in the shift registers
  logic ready_q, valid_q, push, pop, load;
  logic [Width-1:0] oldest, data_q;

  assign push   = in_valid_i && ready_q;
  assign load   = !valid_q || out_ready_i;
  assign pop    = load && fill_q != '0;
  assign fill_d = fill_q + fill_t'(push) - fill_t'(pop);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fill_q  <= '0;
      ready_q <= 1'b0;
      valid_q <= 1'b0;
    end else begin
      fill_q  <= fill_d;
      ready_q <= fill_d != fill_t'(Depth);
      if (load) valid_q <= pop;
    end
  end

  for (genvar i = 0; i < Width; i++) begin : gen_bit
    logic [Depth-1:0] shift_q;
    always_ff @(posedge clk_i) begin
      if (push) shift_q <= {shift_q[Depth-2:0], in_data_i[i]};
    end
    assign oldest[i] = shift_q[place_t'(fill_q - fill_t'(1))];
  end
  always_ff @(posedge clk_i) begin
    if (pop) data_q <= oldest;
  end

  assign in_ready_o  = ready_q;
  assign out_valid_o = valid_q;
  assign out_data_o  = data_q;

  stream_rule #(.Width(Width)) rule (
    .clk_i, .rst_ni, .valid_i(out_valid_o), .ready_i(out_ready_i), .data_i(out_data_o)
  );

endmodule : stream_queue
