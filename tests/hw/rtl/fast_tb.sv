// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The modules of hw/rtl/sim/fast, renamed <module>_fast, beside FINN's of the same name: equal in
// every cycle under the same random stimulus, with stalls on all streams.

module fast_tb;
  localparam int unsigned Cases = 6;
  localparam int unsigned Cycles = 2000;

  logic clk = 0;
  logic rst = 1;
  int unsigned cycles = 0;
  int unsigned results[Cases], words[Cases], beats[Cases];
  always #5 clk = !clk;

  // Matrix units.
  localparam int unsigned Pe[Cases] = '{1, 3, 4, 2, 5, 2};
  localparam int unsigned Simd[Cases] = '{1, 2, 9, 5, 3, 17};
  localparam int unsigned WeightBits[Cases] = '{4, 2, 2, 4, 8, 3};
  localparam int unsigned ActBits[Cases] = '{4, 2, 3, 8, 8, 2};
  localparam bit Signed[Cases] = '{0, 1, 0, 1, 0, 0};
  localparam bit Narrow[Cases] = '{1, 1, 0, 1, 1, 0};
  localparam int unsigned Version[Cases] = '{1, 1, 2, 2, 1, 1};
  localparam int unsigned MostInputs = 8;

  for (genvar g = 0; g < Cases; g++) begin : gen_mvu
    localparam int unsigned AccBits =
        WeightBits[g] + ActBits[g] + $clog2(Simd[g] * MostInputs) + 1;
    logic last, zero;
    logic signed [Pe[g]-1:0][Simd[g]-1:0][WeightBits[g]-1:0] w;
    logic [Simd[g]-1:0][ActBits[g]-1:0] a;
    logic [1:0] vld;
    logic signed [1:0][Pe[g]-1:0][AccBits-1:0] p;
    int unsigned inputs;

    mvu #(
      .VERSION(Version[g]), .PE(Pe[g]), .SIMD(Simd[g]), .WEIGHT_WIDTH(WeightBits[g]),
      .ACTIVATION_WIDTH(ActBits[g]), .ACCU_WIDTH(AccBits), .SIGNED_ACTIVATIONS(Signed[g]),
      .NARROW_WEIGHTS(Narrow[g])
    ) finn (.clk, .rst, .en(1'b1), .last, .zero, .w, .a, .vld(vld[0]), .p(p[0]));
    mvu_fast #(
      .VERSION(Version[g]), .PE(Pe[g]), .SIMD(Simd[g]), .WEIGHT_WIDTH(WeightBits[g]),
      .ACTIVATION_WIDTH(ActBits[g]), .ACCU_WIDTH(AccBits), .SIGNED_ACTIVATIONS(Signed[g]),
      .NARROW_WEIGHTS(Narrow[g])
    ) ours (.clk, .rst, .en(1'b1), .last, .zero, .w, .a, .vld(vld[1]), .p(p[1]));

    always @(negedge clk) begin
      zero = rst || ($urandom_range(3) == 0);
      if (rst || last) inputs = 0;
      if (!zero) inputs++;
      last = !zero && (inputs == MostInputs || $urandom_range(2) == 0);
      foreach (a[s]) a[s] = ActBits[g]'($urandom);
      for (int i = 0; i < Pe[g]; i++) for (int s = 0; s < Simd[g]; s++) begin
        w[i][s] = WeightBits[g]'($urandom);
        if (Narrow[g] && w[i][s] == {1'b1, {(WeightBits[g] - 1){1'b0}}}) w[i][s] = '0;
      end
    end
    always @(posedge clk) if (!rst) begin
      if (vld[0] !== vld[1]) $fatal(1, "mvu %0d: valid %b", g, vld);
      if (vld[0]) begin
        results[g]++;
        if (p[0] !== p[1]) $fatal(1, "mvu %0d: %h instead of %h", g, p[1], p[0]);
      end
    end
  end

  // Weight memories.
  localparam int unsigned Depth[Cases] = '{1, 2, 3, 7, 8, 20};
  localparam int unsigned Width[Cases] = '{1, 8, 13, 32, 40, 100};

  for (genvar g = 0; g < Cases; g++) begin : gen_memory
    logic ready;
    logic [1:0] valid;
    logic [1:0][(Width[g]+7)/8*8-1:0] data;
    memstream_axi #(
      .SETS(1), .DEPTH(Depth[g]), .WIDTH(Width[g]), .INIT_FILE($sformatf("words_%0d.hex", g))
    ) finn (
      .clk, .clk2x(clk), .rst, .awvalid(1'b0), .wvalid(1'b0), .bready(1'b0), .arvalid(1'b0),
      .rready(1'b0), .s_axis_0_tvalid(1'b0), .m_axis_0_tready(ready),
      .m_axis_0_tvalid(valid[0]), .m_axis_0_tdata(data[0])
    );
    memstream_axi_fast #(
      .SETS(1), .DEPTH(Depth[g]), .WIDTH(Width[g]), .INIT_FILE($sformatf("words_%0d.hex", g))
    ) ours (
      .clk, .clk2x(clk), .rst, .awvalid(1'b0), .wvalid(1'b0), .bready(1'b0), .arvalid(1'b0),
      .rready(1'b0), .s_axis_0_tvalid(1'b0), .m_axis_0_tready(ready),
      .m_axis_0_tvalid(valid[1]), .m_axis_0_tdata(data[1])
    );
    // Long stretches of each kind, and single stalls.
    always @(negedge clk) ready = cycles[5] ? cycles[6] : $urandom_range(1) == 0;
    always @(posedge clk) if (!rst) begin
      if (valid[0] !== valid[1]) $fatal(1, "memory %0d: valid %b", g, valid);
      if (valid[0] && ready) words[g]++;
      if (valid[0] && data[0][Width[g]-1:0] !== data[1][Width[g]-1:0]) begin
        $fatal(1, "memory %0d: %h instead of %h", g, data[1], data[0]);
      end
    end
  end

  // Width converters.
  localparam int unsigned Into[Cases] = '{8, 24, 12, 8, 6, 1};
  localparam int unsigned Out[Cases] = '{24, 8, 8, 12, 1, 6};

  for (genvar g = 0; g < Cases; g++) begin : gen_converter
    logic in_valid, out_ready;
    logic [(Into[g]+7)/8*8-1:0] in_data;
    logic [1:0] in_ready, out_valid;
    logic [1:0][(Out[g]+7)/8*8-1:0] out_data;
    dwc_axi #(.IBITS(Into[g]), .OBITS(Out[g])) finn (
      .ap_clk(clk), .ap_rst_n(!rst), .s_axis_tready(in_ready[0]), .s_axis_tvalid(in_valid),
      .s_axis_tdata(in_data), .m_axis_tready(out_ready), .m_axis_tvalid(out_valid[0]),
      .m_axis_tdata(out_data[0])
    );
    dwc_axi_fast #(.IBITS(Into[g]), .OBITS(Out[g])) ours (
      .ap_clk(clk), .ap_rst_n(!rst), .s_axis_tready(in_ready[1]), .s_axis_tvalid(in_valid),
      .s_axis_tdata(in_data), .m_axis_tready(out_ready), .m_axis_tvalid(out_valid[1]),
      .m_axis_tdata(out_data[1])
    );
    logic taken;
    always @(negedge clk) begin
      if (rst || !in_valid || taken) begin
        in_valid = !rst && (cycles[6] || $urandom_range(2) == 0);
        in_data  = {3{$urandom}};
      end
      out_ready = cycles[7] || ($urandom_range(2) == 0);
    end
    always @(posedge clk) begin
      taken = in_valid && in_ready[0];
      if (!rst) begin
        if (in_ready[0] !== in_ready[1] || out_valid[0] !== out_valid[1]) begin
          $fatal(1, "converter %0d: ready %b, valid %b", g, in_ready, out_valid);
        end
        if (out_valid[0] && out_ready) beats[g]++;
        if (out_valid[0] && out_data[0] !== out_data[1]) begin
          $fatal(1, "converter %0d: %h instead of %h", g, out_data[1], out_data[0]);
        end
      end
    end
  end

  always @(negedge clk) begin
    rst = (cycles < 3);
    cycles++;
    if (cycles == Cycles) begin
      foreach (results[g]) begin
        if (results[g] < 80 || words[g] < 80 || beats[g] < 80) $fatal(1, "case %0d idle", g);
      end
      $display("passed");
      $finish;
    end
  end
endmodule
