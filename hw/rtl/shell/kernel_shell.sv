// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Everything of a kernel but its accelerator: control, DMA, width converters and the run.
//
// Control: AXI4-Lite; registers in shell_control.
// Memory:  one AXI4 master of 8 * DataBytes bits, 64-bit addresses, one ID. Images are read packed
//          one behind the other; results are written as int32 in the accelerator's order; then
//          the completion record.
// Streams: frames of InFrameBeats beats of InBytes bytes go to the accelerator on acc_in_*; it
//          answers each with OutFrameBeats beats of OutBytes bytes, Lanes values of ValueBits bits
//          in the lowest ones, on acc_out_*. acc_rst_no resets it after an error.

module kernel_shell
  import shell_pkg::*;
#(
  parameter int unsigned  DataBytes      = 8,   // 8, 16, 32 or 64
  parameter int unsigned  BurstBeats     = 16,  // 2, 4, 8 or 16
  parameter int unsigned  Outstanding    = 8,   // bursts, of reads and of writes; a power of two
  parameter int unsigned  InBytes        = 1,
  parameter int unsigned  InFrameBeats   = 784,
  parameter int unsigned  OutBytes       = 2,
  parameter int unsigned  OutFrameBeats  = 10,
  parameter int unsigned  Lanes          = 1,
  parameter int unsigned  ValueBits      = 13,
  parameter bit           Signed         = 1'b1,
  parameter int unsigned  WatchdogCycles = 100_000,
  parameter logic [127:0] Digest         = '0,
  parameter bit           Registered     = 1'b0  // flip-flops between its parts, for a fast clock
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  output logic                   interrupt_o,

  input  logic                   ctl_aw_valid_i,
  output logic                   ctl_aw_ready_o,
  input  logic [11:0]            ctl_aw_addr_i,
  input  logic                   ctl_w_valid_i,
  output logic                   ctl_w_ready_o,
  input  logic [31:0]            ctl_w_data_i,
  input  logic [3:0]             ctl_w_strb_i,
  output logic                   ctl_b_valid_o,
  input  logic                   ctl_b_ready_i,
  input  logic                   ctl_ar_valid_i,
  output logic                   ctl_ar_ready_o,
  input  logic [11:0]            ctl_ar_addr_i,
  output logic                   ctl_r_valid_o,
  input  logic                   ctl_r_ready_i,
  output logic [31:0]            ctl_r_data_o,

  output logic                   mem_ar_valid_o,
  input  logic                   mem_ar_ready_i,
  output logic [63:0]            mem_ar_addr_o,
  output logic [7:0]             mem_ar_len_o,
  input  logic                   mem_r_valid_i,
  output logic                   mem_r_ready_o,
  input  logic [8*DataBytes-1:0] mem_r_data_i,
  input  logic [1:0]             mem_r_resp_i,
  output logic                   mem_aw_valid_o,
  input  logic                   mem_aw_ready_i,
  output logic [63:0]            mem_aw_addr_o,
  output logic [7:0]             mem_aw_len_o,
  output logic                   mem_w_valid_o,
  input  logic                   mem_w_ready_i,
  output logic [8*DataBytes-1:0] mem_w_data_o,
  output logic [DataBytes-1:0]   mem_w_strb_o,
  output logic                   mem_w_last_o,
  input  logic                   mem_b_valid_i,
  output logic                   mem_b_ready_o,
  input  logic [1:0]             mem_b_resp_i,

  output logic                   acc_rst_no,
  output logic                   acc_in_valid_o,
  input  logic                   acc_in_ready_i,
  output logic [8*InBytes-1:0]   acc_in_data_o,
  input  logic                   acc_out_valid_i,
  output logic                   acc_out_ready_o,
  input  logic [8*OutBytes-1:0]  acc_out_data_i
);

  localparam int unsigned FrameBytes  = InBytes * InFrameBeats;
  localparam int unsigned ResultBytes = 4 * Lanes * OutFrameBeats;

  typedef logic [8*DataBytes-1:0] beat_t;
  typedef logic [DataBytes-1:0]   keep_t;

  logic         start, idle, done;
  logic [63:0]  input_address, output_address, record_address;
  logic [31:0]  count, frames;
  logic [511:0] record;

  shell_control u_control (
    .clk_i,
    .rst_ni,
    .aw_valid_i      (ctl_aw_valid_i),
    .aw_ready_o      (ctl_aw_ready_o),
    .aw_addr_i       (ctl_aw_addr_i),
    .w_valid_i       (ctl_w_valid_i),
    .w_ready_o       (ctl_w_ready_o),
    .w_data_i        (ctl_w_data_i),
    .w_strb_i        (ctl_w_strb_i),
    .b_valid_o       (ctl_b_valid_o),
    .b_ready_i       (ctl_b_ready_i),
    .ar_valid_i      (ctl_ar_valid_i),
    .ar_ready_o      (ctl_ar_ready_o),
    .ar_addr_i       (ctl_ar_addr_i),
    .r_valid_o       (ctl_r_valid_o),
    .r_ready_i       (ctl_r_ready_i),
    .r_data_o        (ctl_r_data_o),
    .start_o         (start),
    .idle_i          (idle),
    .done_i          (done),
    .interrupt_o,
    .input_address_o (input_address),
    .output_address_o(output_address),
    .count_o         (count),
    .record_address_o(record_address),
    .record_i        (record),
    .geometry_i      ({32'(WatchdogCycles), 32'(ResultBytes), 32'(FrameBytes), 32'(8 * DataBytes)})
  );

  logic        begin_any, begin_run, record_begin, record_phase, stop, reader_abort, writer_abort;
  logic        order_any, order_run, order_record, order_phase;  // what the sequencer begins
  logic [31:0] order_frames;
  logic [57:0] record_place;
  logic        reader_idle, writer_idle, writer_done;
  logic        read_slverr, read_decerr, write_slverr, write_decerr;
  logic        reader_moved, writer_moved, feeder_moved, collector_moved;
  logic        starved, blocked, frame_done, fresh;

  typedef struct packed {
    logic done, read_slverr, read_decerr, write_slverr, write_decerr;
    logic moved, starved, blocked, frame_done;
  } told_t;
  told_t told, seen;  // what the engines tell the sequencer

  shell_sequencer #(
    .Digest        (Digest),
    .WatchdogCycles(WatchdogCycles),
    .Registered    (Registered)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .start_i           (start),
    .idle_o            (idle),
    .done_o            (done),
    .input_offset_i    (input_address[5:0]),
    .output_offset_i   (output_address[5:0]),
    .count_i           (count),
    .record_address_i  (record_address),
    .record_o          (record),
    .begin_o           (order_any),
    .run_o             (order_run),
    .frames_o          (order_frames),
    .record_begin_o    (order_record),
    .record_address_o  (record_place),
    .record_phase_o    (order_phase),
    .stop_o            (stop),
    .reader_abort_o    (reader_abort),
    .writer_abort_o    (writer_abort),
    .accelerator_rst_no(acc_rst_no),
    .reader_idle_i     (reader_idle),
    .writer_idle_i     (writer_idle),
    .writer_done_i     (seen.done),
    .read_slverr_i     (seen.read_slverr),
    .read_decerr_i     (seen.read_decerr),
    .write_slverr_i    (seen.write_slverr),
    .write_decerr_i    (seen.write_decerr),
    .moved_i           (seen.moved),
    .starved_i         (seen.starved),
    .blocked_i         (seen.blocked),
    .frame_done_i      (seen.frame_done)
  );

  shell_stage #(
    .Width     (36),
    .Registered(Registered)
  ) u_orders (
    .clk_i,
    .rst_ni,
    .data_i({order_any, order_run, order_record, order_phase, order_frames}),
    .data_o({begin_any, begin_run, record_begin, record_phase, frames})
  );

  // Registered, the writer still shows the end of the run before when the next is ordered.
  assign fresh = !Registered || !(order_any || order_record || begin_any || record_begin);
  always_comb begin
    told              = '0;
    told.done         = writer_done && fresh;
    told.read_slverr  = read_slverr;
    told.read_decerr  = read_decerr;
    told.write_slverr = write_slverr;
    told.write_decerr = write_decerr;
    told.moved        = reader_moved || writer_moved || feeder_moved || collector_moved;
    told.starved      = starved;
    told.blocked      = blocked;
    told.frame_done   = frame_done;
  end
  shell_stage #(
    .Width     ($bits(told_t)),
    .Registered(Registered)
  ) u_told (
    .clk_i,
    .rst_ni,
    .data_i(told),
    .data_o(seen)
  );

  // Memory to accelerator.
  logic  read_valid, read_ready, fed_valid, fed_ready, feed_valid, feed_ready;
  beat_t read_data, fed_data;
  logic [8*InBytes-1:0] feed_data;

  shell_reader #(
    .DataBytes  (DataBytes),
    .BurstBeats (BurstBeats),
    .Outstanding(Outstanding),
    .FrameBytes (FrameBytes),
    .Registered (Registered)
  ) u_reader (
    .clk_i,
    .rst_ni,
    .start_i    (begin_run),
    .address_i  (input_address[63:6]),
    .frames_i   (frames),
    .abort_i    (reader_abort),
    .idle_o     (reader_idle),
    .moved_o    (reader_moved),
    .slverr_o   (read_slverr),
    .decerr_o   (read_decerr),
    .ar_valid_o (mem_ar_valid_o),
    .ar_ready_i (mem_ar_ready_i),
    .ar_addr_o  (mem_ar_addr_o),
    .ar_len_o   (mem_ar_len_o),
    .r_valid_i  (mem_r_valid_i),
    .r_ready_o  (mem_r_ready_o),
    .r_data_i   (mem_r_data_i),
    .r_resp_i   (mem_r_resp_i),
    .out_valid_o(read_valid),
    .out_ready_i(read_ready),
    .out_data_o (read_data)
  );

  shell_seam #(
    .Width     (8 * DataBytes),
    .Registered(Registered)
  ) u_read_seam (
    .clk_i,
    .rst_ni,
    .clear_i    (reader_abort),
    .in_valid_i (read_valid),
    .in_ready_o (read_ready),
    .in_data_i  (read_data),
    .out_valid_o(fed_valid),
    .out_ready_i(fed_ready),
    .out_data_o (fed_data)
  );

  shell_feeder #(
    .DataBytes  (DataBytes),
    .StreamBytes(InBytes),
    .FrameBeats (InFrameBeats),
    .Registered (Registered)
  ) u_feeder (
    .clk_i,
    .rst_ni,
    .start_i    (begin_any),
    .frames_i   (frames),
    .stop_i     (stop),
    .starved_o  (starved),
    .moved_o    (feeder_moved),
    .in_valid_i (fed_valid),
    .in_ready_o (fed_ready),
    .in_data_i  (fed_data),
    .out_valid_o(feed_valid),
    .out_ready_i(feed_ready),
    .out_data_o (feed_data)
  );

  shell_seam #(
    .Width     (8 * InBytes),
    .Registered(Registered)
  ) u_feed_seam (
    .clk_i,
    .rst_ni,
    .clear_i    (!acc_rst_no),
    .in_valid_i (feed_valid),
    .in_ready_o (feed_ready),
    .in_data_i  (feed_data),
    .out_valid_o(acc_in_valid_o),
    .out_ready_i(acc_in_ready_i),
    .out_data_o (acc_in_data_o)
  );

  // Accelerator to memory.
  logic  collect_valid, collect_ready, beat_valid, beat_ready, beat_last;
  logic  result_valid, result_last, record_valid, record_last, write_ready;
  beat_t beat_data, result_data, record_data;
  keep_t beat_keep, result_keep;
  logic [8*OutBytes-1:0] collect_data;

  shell_seam #(
    .Width     (8 * OutBytes),
    .Registered(Registered)
  ) u_collect_seam (
    .clk_i,
    .rst_ni,
    .clear_i    (!acc_rst_no),
    .in_valid_i (acc_out_valid_i),
    .in_ready_o (acc_out_ready_o),
    .in_data_i  (acc_out_data_i),
    .out_valid_o(collect_valid),
    .out_ready_i(collect_ready),
    .out_data_o (collect_data)
  );

  shell_collector #(
    .DataBytes  (DataBytes),
    .StreamBytes(OutBytes),
    .FrameBeats (OutFrameBeats),
    .Lanes      (Lanes),
    .ValueBits  (ValueBits),
    .Signed     (Signed),
    .Registered (Registered)
  ) u_collector (
    .clk_i,
    .rst_ni,
    .start_i    (begin_any),
    .frames_i   (frames),
    .stop_i     (stop),
    .frame_done_o(frame_done),
    .blocked_o  (blocked),
    .moved_o    (collector_moved),
    .in_valid_i (collect_valid),
    .in_ready_o (collect_ready),
    .in_data_i  (collect_data),
    .out_valid_o(beat_valid),
    .out_ready_i(beat_ready),
    .out_data_o (beat_data),
    .out_keep_o (beat_keep),
    .out_last_o (beat_last)
  );

  shell_seam #(
    .Width     (9 * DataBytes + 1),
    .Registered(Registered)
  ) u_result_seam (
    .clk_i,
    .rst_ni,
    .clear_i    (begin_any || stop),
    .in_valid_i (beat_valid),
    .in_ready_o (beat_ready),
    .in_data_i  ({beat_last, beat_keep, beat_data}),
    .out_valid_o(result_valid),
    .out_ready_i(write_ready && !record_phase),
    .out_data_o ({result_last, result_keep, result_data})
  );

  shell_record #(
    .DataBytes(DataBytes)
  ) u_record (
    .clk_i,
    .rst_ni,
    .start_i    (record_begin),
    .stop_i     (writer_abort),
    .record_i   (record),
    .out_valid_o(record_valid),
    .out_ready_i(write_ready && record_phase),
    .out_data_o (record_data),
    .out_last_o (record_last)
  );

  shell_writer #(
    .DataBytes  (DataBytes),
    .BurstBeats (BurstBeats),
    .Outstanding(Outstanding)
  ) u_writer (
    .clk_i,
    .rst_ni,
    .start_i   (begin_run || record_begin),
    .address_i (record_phase ? record_place : output_address[63:6]),
    .abort_i   (writer_abort),
    .done_o    (writer_done),
    .idle_o    (writer_idle),
    .moved_o   (writer_moved),
    .slverr_o  (write_slverr),
    .decerr_o  (write_decerr),
    .in_valid_i(record_phase ? record_valid : result_valid),
    .in_ready_o(write_ready),
    .in_data_i (record_phase ? record_data : result_data),
    .in_keep_i (record_phase ? '1 : result_keep),
    .in_last_i (record_phase ? record_last : result_last),
    .aw_valid_o(mem_aw_valid_o),
    .aw_ready_i(mem_aw_ready_i),
    .aw_addr_o (mem_aw_addr_o),
    .aw_len_o  (mem_aw_len_o),
    .w_valid_o (mem_w_valid_o),
    .w_ready_i (mem_w_ready_i),
    .w_data_o  (mem_w_data_o),
    .w_strb_o  (mem_w_strb_o),
    .w_last_o  (mem_w_last_o),
    .b_valid_i (mem_b_valid_i),
    .b_ready_o (mem_b_ready_o),
    .b_resp_i  (mem_b_resp_i)
  );

endmodule : kernel_shell
