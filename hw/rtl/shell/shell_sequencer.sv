// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The run of a kernel from start to done: what begins when, what ends it, and what is told of it.
//
// A run checks its arguments, reads, computes and writes, then writes its completion record and
// is done. An error or a silence of WatchdogCycles ends it early: the engines finish what AXI
// makes them finish, the accelerator is reset, and the record tells why. If memory stays silent,
// the kernel is done all the same, after at most three times WatchdogCycles; what memory still
// owes is waited for, at most as long again, when the next run starts.
//
// The arguments are read when start_i finds the kernel idle, or clean again after an error.
// record_o: the 16 words of the completion record, the first in the lowest bits; see shell_pkg and
// hw/runner/registers.py. The cycles count from the start to the last result's response.

module shell_sequencer
  import shell_pkg::*;
#(
  parameter logic [127:0] Digest         = '0,
  parameter int unsigned  WatchdogCycles = 100_000,
  parameter bit           Registered     = 1'b0  // flip-flops hold what is decided from counters
) (
  input  logic         clk_i,
  input  logic         rst_ni,

  input  logic         start_i,
  output logic         idle_o,
  output logic         done_o,
  input  logic [5:0]   input_offset_i,    // the lowest bits of the addresses
  input  logic [5:0]   output_offset_i,
  input  logic [31:0]  count_i,
  input  logic [63:0]  record_address_i,
  output logic [511:0] record_o,

  output logic         begin_o,           // counters start anew
  output logic         run_o,             // with begin_o: images are to be read and results written
  output logic [31:0]  frames_o,          // of the run; zero where run_o is low
  output logic         record_begin_o,
  output logic [57:0]  record_address_o,
  output logic         record_phase_o,    // the writer belongs to the record
  output logic         stop_o,            // drop everything between the engines
  output logic         reader_abort_o,
  output logic         writer_abort_o,
  output logic         accelerator_rst_no,

  input  logic         reader_idle_i,
  input  logic         writer_idle_i,
  input  logic         writer_done_i,
  input  logic         read_slverr_i,
  input  logic         read_decerr_i,
  input  logic         write_slverr_i,
  input  logic         write_decerr_i,
  input  logic         moved_i,           // a beat, an address or a response was handed over
  input  logic         starved_i,
  input  logic         blocked_i,
  input  logic         frame_done_i
);

  if (WatchdogCycles < 64) begin : gen_illegal_watchdog
    $error("shell_sequencer: WatchdogCycles=%0d is below 64", WatchdogCycles);
  end

  localparam int unsigned ResetCycles = 32;
  localparam int unsigned TimerBits   = $clog2(WatchdogCycles + 1);
  typedef logic [TimerBits-1:0] timer_t;

  typedef enum logic [2:0] {
    Idle,         // waits for start_i
    Settle,       // start_i came while an earlier run is being cleaned up
    Run,          // images in, results out
    Abort,        // clean up
    RecordBegin,
    Record,       // the record is being written
    Done
  } state_e;

  state_e  state_q, state_d;
  status_t status_q, status_d, bad_arguments, read_errors, write_errors, timeouts;
  timer_t  timer_q;
  logic    reader_dirty_q, writer_dirty_q;  // what was begun for a run that ended early
  logic [$clog2(ResetCycles+1)-1:0] reset_q;
  logic    accelerator_rst_nq;
  logic    clean, expired, begin_run, begin_abort, record_lost;
  logic    reset_over, renew;

  logic [31:0] count_q, images_q, number_q;
  logic [63:0] cycles_q, starved_q, blocked_q;
  logic [57:0] record_address_q;
  logic        record_usable_q;

  always_comb begin
    bad_arguments                = '0;
    bad_arguments.input_address  = input_offset_i != '0;
    bad_arguments.output_address = output_offset_i != '0;
    bad_arguments.record_address = record_address_i[5:0] != '0;
  end

  always_comb begin
    read_errors               = '0;
    read_errors.read_slverr   = read_slverr_i;
    read_errors.read_decerr   = read_decerr_i;
    write_errors              = '0;
    write_errors.write_slverr = write_slverr_i;
    write_errors.write_decerr = write_decerr_i;
  end

  always_comb begin
    timeouts                = '0;
    timeouts.read_timeout   = !reader_idle_i;
    timeouts.write_timeout  = !writer_idle_i;
    timeouts.stream_timeout = reader_idle_i && writer_idle_i;
  end

  assign clean     = !reader_dirty_q && !writer_dirty_q && reset_over;
  assign begin_run = start_i && clean && (state_q == Idle || state_q == Settle);

  always_comb begin
    state_d     = state_q;
    status_d    = status_q;
    begin_abort = 1'b0;
    record_lost = 1'b0;
    unique case (state_q)
      Idle, Settle: begin
        if (begin_run) begin
          status_d = bad_arguments;
          if (bad_arguments.record_address) state_d = Done;
          else if (bad_arguments != '0 || count_i == '0) state_d = RecordBegin;
          else state_d = Run;
        end else if (state_q == Idle && start_i) begin
          status_d = '0;
          state_d  = Settle;
        end else if (state_q == Settle && expired) begin
          status_d = timeouts;
          state_d  = (writer_dirty_q || !record_usable_q) ? Done : RecordBegin;
        end
      end
      Run: begin
        if ((read_errors | write_errors) != '0) begin
          status_d    = status_q | read_errors | write_errors;
          begin_abort = 1'b1;
          state_d     = Abort;
        end else if (writer_done_i) begin
          state_d = RecordBegin;
        end else if (expired) begin
          status_d    = timeouts;
          begin_abort = 1'b1;
          state_d     = Abort;
        end
      end
      Abort: begin
        status_d = status_q | write_errors;
        if (clean) begin
          state_d = RecordBegin;
        end else if (expired) begin
          status_d = status_q | timeouts;
          state_d  = writer_dirty_q ? Done : RecordBegin;
        end
      end
      RecordBegin: state_d = Record;
      Record: begin
        status_d = status_q | write_errors;
        if (writer_done_i) begin
          state_d = Done;
        end else if (expired) begin
          status_d.write_timeout = 1'b1;
          record_lost            = 1'b1;
          state_d                = Done;
        end
      end
      default: state_d = Idle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q  <= Idle;
      status_q <= '0;
    end else begin
      state_q  <= state_d;
      status_q <= status_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || moved_i || renew) timer_q <= timer_t'(WatchdogCycles);
    else if (!expired) timer_q <= timer_q - 1'b1;
  end

  if (Registered) begin : gen_flags
    logic reset_over_q, renew_q, expired_q;
    always_ff @(posedge clk_i) begin
      reset_over_q <= rst_ni && !begin_abort && reset_q <= ($bits(reset_q))'(1);
      renew_q      <= state_d != state_q;  // the timer is renewed a cycle later, not believed before
      expired_q    <= rst_ni && timer_q == '0 && !renew_q;
    end
    assign reset_over = reset_over_q;
    assign renew      = renew_q;
    assign expired    = expired_q && !renew_q;
  end else begin : gen_decided
    assign reset_over = reset_q == '0;
    assign renew      = state_d != state_q;
    assign expired    = timer_q == '0;
  end

  // The accelerator comes out of the kernel's own reset after ResetCycles as well.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      reader_dirty_q <= 1'b0;
      writer_dirty_q <= 1'b0;
      reset_q        <= ($bits(reset_q))'(ResetCycles);
    end else begin
      reader_dirty_q <= begin_abort || (reader_dirty_q && !reader_idle_i);
      writer_dirty_q <= begin_abort || record_lost || (writer_dirty_q && !writer_idle_i);
      if (begin_abort) reset_q <= ($bits(reset_q))'(ResetCycles);
      else if (reset_q != '0) reset_q <= reset_q - 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    accelerator_rst_nq <= rst_ni && reset_q == '0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q          <= '0;
      record_address_q <= '0;
      record_usable_q  <= 1'b0;
      number_q         <= '0;
    end else if ((start_i && state_q == Idle) || begin_run) begin
      count_q          <= count_i;
      record_address_q <= record_address_i[63:6];
      record_usable_q  <= !bad_arguments.record_address;
      if (state_q == Idle) number_q <= number_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || (state_q == Idle && start_i)) begin
      cycles_q  <= '0;
      starved_q <= '0;
      blocked_q <= '0;
      images_q  <= '0;
    end else if (state_q == Run) begin
      cycles_q  <= cycles_q + 1'b1;
      images_q  <= images_q + 32'(frame_done_i);
      starved_q <= starved_q + 64'(starved_i);
      blocked_q <= blocked_q + 64'(blocked_i);
    end
  end

  assign idle_o             = state_q == Idle;
  assign done_o             = state_q == Done;
  assign begin_o            = begin_run;
  assign run_o              = begin_run && bad_arguments == '0 && count_i != '0;
  assign frames_o           = run_o ? count_i : '0;
  assign record_begin_o     = state_q == RecordBegin;
  assign record_address_o   = record_address_q;
  assign record_phase_o     = state_q == RecordBegin || state_q == Record;
  assign stop_o             = state_q == Abort || !clean;
  assign reader_abort_o     = reader_dirty_q;
  assign writer_abort_o     = writer_dirty_q;
  assign accelerator_rst_no = accelerator_rst_nq;

  assign record_o = {
    number_q,
    32'(status_q),
    blocked_q,
    starved_q,
    cycles_q,
    images_q,
    count_q,
    Digest,
    Version,
    Magic
  };

endmodule : shell_sequencer
