// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The shell's converters between memory and accelerator, memory beats of 8 to 512 bits against
// frames of any size: shell_feeder (memory to stream) and shell_collector (values to memory), each
// in two runs, one that stalls both sides at random and one at full speed.
//
// Byte i of what comes in is code(i), so that any byte lost, doubled or moved shows. A run at full
// speed takes a beat a cycle on the narrower side, and a few cycles more in all.

module converters_tb;
  localparam int unsigned Widths = 7;
  localparam int unsigned Shapes = 7;
  // Bytes of a stream's beat and beats of a frame: 784 bytes in two ways, odd and tiny frames.
  localparam int unsigned Bytes[Shapes] = '{1, 49, 64, 3, 7, 1, 65};
  localparam int unsigned Beats[Shapes] = '{784, 16, 1, 21, 13, 1, 3};
  localparam int unsigned Results = 6;
  // Values of a beat, beats of a frame and bits of a value.
  localparam int unsigned Lanes[Results] = '{1, 10, 2, 1, 3, 17};
  localparam int unsigned Turns[Results] = '{10, 1, 5, 1, 7, 3};
  localparam int unsigned Bits[Results]  = '{13, 11, 32, 4, 1, 17};

  logic clk = 1'b0;
  logic [Widths*Shapes-1:0]  fed;
  logic [Widths*Results-1:0] collected;
  always #5 clk = !clk;

  for (genvar w = 0; w < Widths; w++) begin : gen_width
    for (genvar s = 0; s < Shapes; s++) begin : gen_shape
      feeder_case #(
        .DataBytes  (2 ** w),
        .StreamBytes(Bytes[s]),
        .FrameBeats (Beats[s])
      ) u_case (
        .clk_i (clk),
        .done_o(fed[w*Shapes+s])
      );
    end
    for (genvar r = 0; r < Results; r++) begin : gen_result
      collector_case #(
        .DataBytes (2 ** w),
        .FrameBeats(Turns[r]),
        .Lanes     (Lanes[r]),
        .ValueBits (Bits[r]),
        .Signed    (r % 2 == 0)
      ) u_case (
        .clk_i (clk),
        .done_o(collected[w*Results+r])
      );
    end
  end

  initial begin
    wait (&fed && &collected);
    $display("passed: %0d feeders, %0d collectors", $bits(fed), $bits(collected));
    $finish;
  end
  initial begin
    #20_000_000 $fatal(1, "not done: %b %b", fed, collected);
  end
endmodule : converters_tb

package converters_pkg;
  function automatic logic [7:0] code(input int unsigned i);
    return 8'(i * 167 + (i >> 8) * 59 + 13);
  endfunction
  function automatic logic [31:0] value(input int unsigned i, input int unsigned bits,
                                        input bit is_signed);
    logic [31:0] word;
    word = (i * 32'h9E37_79B9 + 32'd7) >> (32 - bits);
    return (is_signed && word[bits-1]) ? word | (bits == 32 ? '0 : '1 << bits) : word;
  endfunction
endpackage : converters_pkg

module feeder_case
  import converters_pkg::*;
#(
  parameter int unsigned DataBytes   = 8,
  parameter int unsigned StreamBytes = 1,
  parameter int unsigned FrameBeats  = 784
) (
  input  logic clk_i,
  output logic done_o
);
  localparam int unsigned Frames = 2 + 60 / FrameBeats;
  localparam int unsigned FrameBytes = StreamBytes * FrameBeats;
  localparam int unsigned MemoryBeats = (Frames * FrameBytes + DataBytes - 1) / DataBytes;

  logic rst_n = 1'b0, start = 1'b0, in_valid = 1'b0, out_ready = 1'b0, in_ready, out_valid, starved;
  logic [8*DataBytes-1:0]   in_data;
  logic [8*StreamBytes-1:0] out_data;
  int unsigned brought = 0, taken = 0, run = 0, cycles = 0, quiet = 0, stalls = 0, dry = 0;

  shell_feeder #(
    .DataBytes(DataBytes), .StreamBytes(StreamBytes), .FrameBeats(FrameBeats)
  ) dut (
    .clk_i, .rst_ni(rst_n), .start_i(start), .frames_i(Frames), .stop_i(1'b0), .starved_o(starved),
    .moved_o(), .in_valid_i(in_valid), .in_ready_o(in_ready), .in_data_i(in_data),
    .out_valid_o(out_valid), .out_ready_i(out_ready), .out_data_o(out_data)
  );

  always_comb for (int unsigned i = 0; i < DataBytes; i++) begin
    in_data[8*i+:8] = code(run * 1000 + brought * DataBytes + i);  // behind the frames, too
  end

  always @(posedge clk_i) if (rst_n) begin
    cycles <= cycles + 1;
    if (start) cycles <= 0;
    if (in_valid && in_ready) brought <= brought + 1;
    if (out_valid && !out_ready) stalls++;
    if (starved) dry++;
    if (out_valid && out_ready) begin
      for (int unsigned i = 0; i < StreamBytes; i++) begin
        if (out_data[8*i+:8] != code(run * 1000 + taken * StreamBytes + i))
          $fatal(1, "%m: run %0d, beat %0d, byte %0d is wrong", run, taken, i);
      end
      taken <= taken + 1;
    end
    if (taken > Frames * FrameBeats) $fatal(1, "%m: more than the frames");
    quiet <= (taken == Frames * FrameBeats) ? quiet + 1 : 0;
    if (quiet == 20 && !done_o) begin  // nothing more came
      if (brought > MemoryBeats + 1) $fatal(1, "%m: took %0d beats of %0d", brought, MemoryBeats);
      if (run == 1 && cycles > 30 + (MemoryBeats > taken ? MemoryBeats : taken))
        $fatal(1, "%m: took %0d cycles for %0d and %0d beats", cycles, MemoryBeats, taken);
      if (run == 1 && dry > 2 + ((MemoryBeats > taken) ? MemoryBeats : 0))
        $fatal(1, "%m: starved in %0d cycles by a memory that never waits", dry);
    end
  end

  always @(negedge clk_i) begin
    rst_n = 1'b1;
    start = 1'b0;
    if (cycles == 0 && taken == 0 && brought == 0 && run == 0 && $time < 20) start = 1'b1;
    if (quiet > 20 && run == 0) begin
      if (stalls == 0) $fatal(1, "%m: the stream never waited");
      run = 1;
      {taken, brought, quiet, dry} = '0;
      start = 1'b1;
    end
    // What is offered stays, as for any stream.
    if (!in_valid || in_ready || start) in_valid = !start && (run == 1 || $urandom_range(2) != 0);
    out_ready = !start && (run == 1 || $urandom_range(2) != 0);
    done_o = run == 1 && quiet > 20;
  end
endmodule : feeder_case

module collector_case
  import converters_pkg::*;
#(
  parameter int unsigned DataBytes  = 8,
  parameter int unsigned FrameBeats = 10,
  parameter int unsigned Lanes      = 1,
  parameter int unsigned ValueBits  = 13,
  parameter bit          Signed     = 1'b1
) (
  input  logic clk_i,
  output logic done_o
);
  localparam int unsigned Frames = 2 + 60 / FrameBeats;
  localparam int unsigned StreamBytes = (Lanes * ValueBits + 7) / 8;
  localparam int unsigned Beats = Frames * FrameBeats;
  localparam int unsigned Bytes = 4 * Lanes * Beats;
  localparam int unsigned MemoryBeats = (Bytes + DataBytes - 1) / DataBytes;

  logic rst_n = 1'b0, start = 1'b0, in_valid = 1'b0, out_ready = 1'b0, in_ready, out_valid, out_last;
  logic frame_done, blocked;
  logic [8*StreamBytes-1:0] in_data;
  logic [8*DataBytes-1:0]   out_data;
  logic [DataBytes-1:0]     out_keep;
  int unsigned given = 0, written = 0, frames = 0, run = 0, cycles = 0, quiet = 0, stalls = 0, late = 0;
  logic ended = 1'b0;

  shell_collector #(
    .DataBytes(DataBytes), .StreamBytes(StreamBytes), .FrameBeats(FrameBeats), .Lanes(Lanes),
    .ValueBits(ValueBits), .Signed(Signed)
  ) dut (
    .clk_i, .rst_ni(rst_n), .start_i(start), .frames_i(Frames), .stop_i(1'b0),
    .frame_done_o(frame_done), .blocked_o(blocked), .moved_o(), .in_valid_i(in_valid),
    .in_ready_o(in_ready), .in_data_i(in_data), .out_valid_o(out_valid), .out_ready_i(out_ready),
    .out_data_o(out_data), .out_keep_o(out_keep), .out_last_o(out_last)
  );

  always_comb begin
    in_data = '1;  // padding that must not show
    for (int unsigned i = 0; i < Lanes; i++) begin
      in_data[ValueBits*i+:ValueBits] = ValueBits'(value(given * Lanes + i, ValueBits, Signed));
    end
  end

  always @(posedge clk_i) if (rst_n) begin
    cycles <= cycles + 1;
    if (start) cycles <= 0;
    if (in_valid && in_ready) given <= given + 1;
    if (frame_done) frames <= frames + 1;
    if (out_valid && !out_ready) stalls++;
    if (blocked) late++;
    if (out_valid && out_ready) begin
      for (int unsigned i = 0; i < DataBytes; i++) begin
        automatic int unsigned place = written * DataBytes + i;
        if (out_keep[i] != (place < Bytes)) $fatal(1, "%m: byte %0d is kept wrongly", place);
        if (out_keep[i]
            && out_data[8*i+:8] != 8'(value(place / 4, ValueBits, Signed) >> (8 * (place % 4))))
          $fatal(1, "%m: run %0d, byte %0d is wrong", run, place);
      end
      if (ended) $fatal(1, "%m: a beat behind the last one");
      if (out_last != (written == MemoryBeats - 1)) $fatal(1, "%m: last at beat %0d", written);
      ended   <= out_last;
      written <= written + 1;
    end
    quiet <= ended ? quiet + 1 : 0;
    if (quiet == 20 && !done_o) begin
      if (given != Beats || frames != Frames) $fatal(1, "%m: took %0d beats", given);
      if (run == 1 && cycles > 30 + (MemoryBeats > Beats ? MemoryBeats : Beats))
        $fatal(1, "%m: took %0d cycles for %0d and %0d beats", cycles, Beats, MemoryBeats);
      if (run == 1 && 4 * Lanes <= DataBytes && late != 0)
        $fatal(1, "%m: blocked in %0d cycles by a memory that never waits", late);
    end
  end

  always @(negedge clk_i) begin
    rst_n = 1'b1;
    start = 1'b0;
    if (cycles == 0 && given == 0 && run == 0 && $time < 20) start = 1'b1;
    if (quiet > 20 && run == 0) begin
      if (stalls == 0) $fatal(1, "%m: memory never waited");
      run = 1;
      {given, written, frames, quiet, late} = '0;
      ended = 1'b0;
      start = 1'b1;
    end
    if (!in_valid || in_ready || start) in_valid = !start && given < Beats
        && (run == 1 || $urandom_range(2) != 0);
    if (given == Beats) in_valid = 1'b0;
    out_ready = !start && (run == 1 || $urandom_range(2) != 0);
    done_o = run == 1 && quiet > 20;
  end
endmodule : collector_case
