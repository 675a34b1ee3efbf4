// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Thresholding by binary search for synthesis: name, ports, parameters and cycle behaviour of
// FINN's thresholding/hdl/thresholding.sv with constant thresholds.
//
//   odat = BIAS + #{ i : T_i <= idat }, for ascending thresholds T_0 .. T_(N-1) of each channel.
//
// Yosys' slang front end refuses FINN's file: its first stage selects the empty range [M-1:M] of
// the pointer, in a branch that is never taken. It also leaves memories empty whose file name is
// put together by $sformatf inside an initial block, which turns the thresholds to 'x and lets
// synthesis remove them; here the name is a constant.
//
// Channels arrive in turn, PE at a time. Stage s of M = clog2(N+1) reads the threshold that the
// decisions before it select, from <THRESHOLDS_PATH>threshs_<pe>_<s>.dat with CF * 2^s words.
// Latency M * (1 + DEEP_PIPELINE) + 2 cycles, one input a cycle; at most that many are in flight,
// so that the output queue never overruns.
module thresholding #(
  int unsigned K,   // bits of input and thresholds
  int unsigned N,   // thresholds a channel
  int unsigned C,   // channels
  int unsigned PE,  // channels a cycle

  bit SIGNED = 1,
  bit FPARG  = 0,  // floating point, not offered here
  int BIAS   = 0,

  int unsigned SETS = 1,  // one set only

  parameter THRESHOLDS_PATH = "",
  bit USE_CONFIG = 1,  // thresholds that can be written, not offered here

  int unsigned DEPTH_TRIGGER_URAM = 0,  // words from which a memory goes into UltraRAM
  int unsigned DEPTH_TRIGGER_BRAM = 0,  // words from which a memory goes into block RAM
  bit DEEP_PIPELINE = 0,

  localparam int unsigned CF = C / PE,
  localparam int unsigned S_BITS = SETS > 2 ? $clog2(SETS) : 1,
  localparam int unsigned O_BITS = BIAS >= 0 ? $clog2(N + BIAS + 1)
                                             : 1 + $clog2(-BIAS >= int'(N) + BIAS + 1 ? -BIAS : N + BIAS + 1)
) (
  input  logic clk,
  input  logic rst,

  input  logic cfg_en,
  input  logic cfg_we,
  input  logic [$clog2(SETS)+$clog2(CF)+$clog2(PE)+$clog2(N)-1:0] cfg_a,
  input  logic [K-1:0] cfg_d,
  output logic cfg_rack,
  output logic [K-1:0] cfg_q,

  output logic irdy,
  input  logic ivld,
  input  logic [S_BITS-1:0] iset,
  input  logic [PE-1:0][K-1:0] idat,

  input  logic ordy,
  output logic ovld,
  output logic [PE-1:0][O_BITS-1:0] odat
);
  if (CF * PE != C) $error("thresholding: PE=%0d does not divide C=%0d", PE, C);
  if (USE_CONFIG) $error("thresholding: USE_CONFIG=1 is not offered for synthesis");
  if (FPARG) $error("thresholding: FPARG=1 is not offered for synthesis");
  if (SETS != 1) $error("thresholding: SETS=%0d is not offered for synthesis; use 1", SETS);

  localparam int unsigned M = $clog2(N + 1);
  localparam int unsigned MaxPending = (DEEP_PIPELINE + 1) * M + 3;
  localparam int unsigned FoldBits = CF > 1 ? $clog2(CF) : 1;
  typedef logic [M-1:0] result_t;

  assign cfg_rack = 1'b0;
  assign cfg_q = '0;

  // Inputs are accepted while pipeline and output queue together can hold them.
  logic signed [$clog2(MaxPending):0] credit_q;  // MaxPending-1 .. 0, -1 when full
  logic accept;
  assign irdy = !credit_q[$clog2(MaxPending)];
  assign accept = irdy && ivld;
  always_ff @(posedge clk) begin
    if (rst) credit_q <= MaxPending - 1;
    else credit_q <= credit_q + (accept == (ovld && ordy) ? 0 : accept ? -1 : 1);
  end

  logic [FoldBits-1:0] fold;  // which group of PE channels arrives
  if (CF > 1) begin : gen_fold
    logic [FoldBits-1:0] fold_q;
    logic last_q;
    always_ff @(posedge clk) begin
      if (rst) begin
        fold_q <= '0;
        last_q <= 1'b0;
      end else if (accept) begin
        fold_q <= last_q ? '0 : fold_q + 1'b1;
        last_q <= fold_q == FoldBits'(CF - 2);
      end
    end
    assign fold = fold_q;
  end else begin : gen_no_fold
    assign fold = '0;
  end

  logic valid [M+1];
  logic [FoldBits-1:0] folds [PE][M+1];
  logic [K-1:0] values [PE][M+1];
  result_t results [PE][M+1];  // decisions so far, from the top bit down
  assign valid[0] = accept;

  for (genvar stage = 0; stage < M; stage++) begin : gen_valid
    logic [DEEP_PIPELINE:0] valid_q;
    always_ff @(posedge clk) begin
      if (rst) valid_q <= '0;
      else valid_q <= {valid_q, valid[stage]};
    end
    assign valid[stage+1] = valid_q[DEEP_PIPELINE];
  end

  for (genvar pe = 0; pe < PE; pe++) begin : gen_pe
    assign folds[pe][0] = fold;
    assign values[pe][0] = idat[pe];
    assign results[pe][0] = '0;

    for (genvar stage = 0; stage < M; stage++) begin : gen_stage
      localparam int unsigned Bit = M - 1 - stage;
      localparam int unsigned Depth = CF * 2 ** stage;
      localparam int unsigned AddrBits = Depth > 1 ? $clog2(Depth) : 1;
      // Searches that have left the N thresholds behind compare with none.
      localparam int unsigned Missing = (2 ** Bit + 2 ** M - 1 - N) >> (Bit + 1);
      localparam File = $sformatf("%sthreshs_%0d_%0d.dat", THRESHOLDS_PATH, pe, stage);
      localparam Style =
          DEPTH_TRIGGER_URAM != 0 && Depth >= DEPTH_TRIGGER_URAM ? "ultra" :
          DEPTH_TRIGGER_BRAM != 0 && Depth >= DEPTH_TRIGGER_BRAM ? "block" :
          DEPTH_TRIGGER_BRAM != 0 ? "distributed" : "auto";

      logic [AddrBits-1:0] address;
      logic in_scope;
      if (stage == 0) begin : gen_first
        assign address = AddrBits'(fold);
        assign in_scope = Missing == 0;
      end else begin : gen_next
        logic [stage-1:0] decided;
        assign decided = results[pe][stage][M-1:Bit+1];
        assign address = AddrBits'({folds[pe][stage], decided});
        assign in_scope = Missing == 0 || decided < 2 ** stage - Missing;
      end

      // Yosys selects by attribute, and only if it is literal: three memories, of which one exists.
      logic [K-1:0] threshold_q;
      if (Style == "distributed") begin : gen_luts
        (* rom_style = "distributed" *)
        logic [K-1:0] thresholds [Depth];
        initial $readmemh(File, thresholds);
        always_ff @(posedge clk) threshold_q <= thresholds[address];
      end else if (Style == "block") begin : gen_block
        (* rom_style = "block" *)
        logic [K-1:0] thresholds [Depth];
        initial $readmemh(File, thresholds);
        always_ff @(posedge clk) threshold_q <= thresholds[address];
      end else begin : gen_auto
        (* ram_style = Style *)
        logic [K-1:0] thresholds [Depth];
        initial $readmemh(File, thresholds);
        always_ff @(posedge clk) threshold_q <= thresholds[address];
      end

      logic [K-1:0] value_q;
      logic [FoldBits-1:0] fold_q;
      result_t result_q;
      logic scope_q;
      always_ff @(posedge clk) begin
        value_q <= values[pe][stage];
        fold_q <= folds[pe][stage];
        result_q <= results[pe][stage];
        scope_q <= in_scope;
      end

      logic reached;
      if (SIGNED) assign reached = $signed(threshold_q) <= $signed(value_q);
      else assign reached = threshold_q <= value_q;
      result_t result;
      assign result = result_q | (M'(scope_q && reached) << Bit);

      if (DEEP_PIPELINE) begin : gen_deep
        always_ff @(posedge clk) begin
          values[pe][stage+1] <= value_q;
          folds[pe][stage+1] <= fold_q;
          results[pe][stage+1] <= result;
        end
      end else begin : gen_shallow
        assign values[pe][stage+1] = value_q;
        assign folds[pe][stage+1] = fold_q;
        assign results[pe][stage+1] = result;
      end
    end
  end

  // Output queue: a shift register that is written at its head, read anywhere, and a register.
  localparam int unsigned QueueDepth = MaxPending - 1;
  logic [PE*M-1:0] finished;
  logic [PE*M-1:0] picked;
  logic signed [$clog2(QueueDepth):0] fill_q;  // -1 when empty, else the index of the oldest
  logic [PE*M-1:0] out_q;
  logic valid_q;
  logic waiting;
  logic load;
  assign waiting = !fill_q[$clog2(QueueDepth)];
  assign load = !valid_q || ordy;
  for (genvar pe = 0; pe < PE; pe++) begin : gen_finished
    assign finished[pe*M+:M] = results[pe][M];
  end
  for (genvar i = 0; i < PE * M; i++) begin : gen_queue
    logic [QueueDepth-1:0] shift_q;
    always_ff @(posedge clk) if (valid[M]) shift_q <= {shift_q, finished[i]};
    assign picked[i] = shift_q[fill_q[$clog2(QueueDepth)-1:0]];
  end
  always_ff @(posedge clk) begin
    if (rst) begin
      fill_q <= '1;
      valid_q <= 1'b0;
    end else begin
      fill_q <= fill_q + (valid[M] == (waiting && load) ? 0 : valid[M] ? 1 : -1);
      if (load) valid_q <= waiting;
    end
    if (load) out_q <= picked;
  end

  assign ovld = valid_q;
  for (genvar pe = 0; pe < PE; pe++) begin : gen_output
    assign odat[pe] = O_BITS'(BIAS + int'(out_q[pe*M+:M]));
  end
endmodule : thresholding
