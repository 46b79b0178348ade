	.text
	.amdgcn_target "amdgcn-amd-amdhsa--gfx1100"
	.type	streaming,@function
streaming:
	s_clause 0x1
	s_load_b32 s4, s[0:1], 0x4
	s_load_b32 s0, s[0:1], 0xc
	s_load_b64 s[10:11], s[2:3], 0x10
	s_waitcnt lgkmcnt(0)
	s_and_b32 s1, s4, 0xffff
	s_delay_alu instid0(SALU_CYCLE_1) | instskip(NEXT) | instid1(SALU_CYCLE_1)
	s_mul_i32 s15, s15, s1
	s_sub_i32 s0, s0, s15
	s_delay_alu instid0(SALU_CYCLE_1) | instskip(SKIP_2) | instid1(SALU_CYCLE_1)
	s_min_u32 s9, s0, s1
	s_mov_b32 s0, exec_lo
	s_mul_i32 s12, s9, 3
	v_add_nc_u32_e32 v1, s12, v0
	s_delay_alu instid0(VALU_DEP_1)
	v_cmpx_gt_u32_e64 s10, v1
	s_cbranch_execz .LBB0_3
	s_load_b128 s[4:7], s[2:3], 0x0
	v_mov_b32_e32 v1, 0
	s_mov_b32 s8, s11
	s_mov_b32 s1, s11
	s_mov_b32 s2, s11
	s_mov_b32 s3, s11
	s_lshl_b32 s11, s9, 2
	s_lshl_b32 s13, s9, 1
	s_mov_b32 s14, 0
.LBB0_2:
	v_lshlrev_b64 v[18:19], 4, v[0:1]
	v_dual_mov_b32 v5, v1 :: v_dual_add_nc_u32 v2, s12, v0
	v_dual_mov_b32 v7, v1 :: v_dual_add_nc_u32 v4, s9, v0
	v_dual_mov_b32 v3, v1 :: v_dual_add_nc_u32 v6, s13, v0
	s_delay_alu instid0(VALU_DEP_2) | instskip(NEXT) | instid1(VALU_DEP_2)
	v_lshlrev_b64 v[20:21], 4, v[4:5]
	v_lshlrev_b64 v[22:23], 4, v[6:7]
	s_delay_alu instid0(VALU_DEP_3)
	v_lshlrev_b64 v[24:25], 4, v[2:3]
	s_waitcnt lgkmcnt(0)
	v_add_co_u32 v2, vcc_lo, s4, v18
	v_add_co_ci_u32_e32 v3, vcc_lo, s5, v19, vcc_lo
	v_add_co_u32 v6, vcc_lo, s4, v20
	v_add_co_ci_u32_e32 v7, vcc_lo, s5, v21, vcc_lo
	global_load_b128 v[2:5], v[2:3], off
	v_add_co_u32 v10, vcc_lo, s4, v22
	v_add_co_ci_u32_e32 v11, vcc_lo, s5, v23, vcc_lo
	v_add_co_u32 v14, vcc_lo, s4, v24
	v_add_co_ci_u32_e32 v15, vcc_lo, s5, v25, vcc_lo
	s_clause 0x2
	global_load_b128 v[6:9], v[6:7], off
	global_load_b128 v[10:13], v[10:11], off
	global_load_b128 v[14:17], v[14:15], off
	v_add_nc_u32_e32 v0, s11, v0
	v_add_co_u32 v18, vcc_lo, s6, v18
	v_add_co_u32 v20, s0, s6, v20
	v_add_co_ci_u32_e32 v19, vcc_lo, s7, v19, vcc_lo
	v_add_co_ci_u32_e64 v21, s0, s7, v21, s0
	v_add_co_u32 v22, s0, s6, v22
	s_delay_alu instid0(VALU_DEP_1) | instskip(SKIP_1) | instid1(VALU_DEP_1)
	v_add_co_ci_u32_e64 v23, s0, s7, v23, s0
	v_add_co_u32 v24, s0, s6, v24
	v_add_co_ci_u32_e64 v25, s0, s7, v25, s0
	s_waitcnt vmcnt(3)
	v_dual_mul_f32 v5, s3, v5 :: v_dual_add_nc_u32 v26, s12, v0
	v_dual_mul_f32 v3, s1, v3 :: v_dual_mul_f32 v4, s2, v4
	v_mul_f32_e32 v2, s8, v2
	s_delay_alu instid0(VALU_DEP_3)
	v_cmp_le_u32_e32 vcc_lo, s10, v26
	s_waitcnt vmcnt(2)
	v_mul_f32_e32 v7, s1, v7
	v_dual_mul_f32 v9, s3, v9 :: v_dual_mul_f32 v8, s2, v8
	s_waitcnt vmcnt(1)
	v_dual_mul_f32 v13, s3, v13 :: v_dual_mul_f32 v6, s8, v6
	v_dual_mul_f32 v11, s1, v11 :: v_dual_mul_f32 v12, s2, v12
	s_waitcnt vmcnt(0)
	v_dual_mul_f32 v17, s3, v17 :: v_dual_mul_f32 v10, s8, v10
	v_dual_mul_f32 v15, s1, v15 :: v_dual_mul_f32 v16, s2, v16
	v_mul_f32_e32 v14, s8, v14
	s_or_b32 s14, vcc_lo, s14
	s_clause 0x3
	global_store_b128 v[18:19], v[2:5], off
	global_store_b128 v[20:21], v[6:9], off
	global_store_b128 v[22:23], v[10:13], off
	global_store_b128 v[24:25], v[14:17], off
	s_and_not1_b32 exec_lo, exec_lo, s14
	s_cbranch_execnz .LBB0_2
.LBB0_3:
	s_sendmsg sendmsg(MSG_DEALLOC_VGPRS)
	s_endpgm
	.section	.rodata,#alloc
	.amdhsa_kernel streaming
	.end_amdhsa_kernel
	.text
.Lfunc_end0:
	.size	streaming, .Lfunc_end0-streaming
	.section	.AMDGPU.csdata
	.text
	.type	single,@function
single:
	s_clause 0x1
	s_load_b32 s8, s[2:3], 0x10
	s_load_b128 s[4:7], s[2:3], 0x0
	v_mov_b32_e32 v1, 0
	s_mov_b32 s2, exec_lo
	s_waitcnt lgkmcnt(0)
	v_cmpx_gt_u32_e64 s8, v0
	s_cbranch_execz .LBB1_4
	s_clause 0x1
	s_load_b32 s3, s[0:1], 0x4
	s_load_b32 s0, s[0:1], 0xc
	v_mov_b32_e32 v3, 0
	s_mov_b32 s1, 0
	s_waitcnt lgkmcnt(0)
	s_and_b32 s3, s3, 0xffff
	s_delay_alu instid0(SALU_CYCLE_1) | instskip(NEXT) | instid1(SALU_CYCLE_1)
	s_mul_i32 s15, s15, s3
	s_sub_i32 s0, s0, s15
	s_delay_alu instid0(SALU_CYCLE_1)
	s_min_u32 s0, s0, s3
.LBB1_2:
	v_add_co_u32 v1, s3, s4, v0
	s_delay_alu instid0(VALU_DEP_1)
	v_add_co_ci_u32_e64 v2, null, s5, 0, s3
	v_add_co_u32 v0, s3, v0, s0
	global_load_u8 v4, v[1:2], off
	v_cmp_le_u32_e32 vcc_lo, s8, v0
	s_or_b32 s1, vcc_lo, s1
	s_waitcnt vmcnt(0)
	v_mad_u64_u32 v[1:2], null, v3, 3, v[4:5]
	v_add_co_ci_u32_e64 v2, null, 0, 0, s3
	s_delay_alu instid0(VALU_DEP_2)
	v_mov_b32_e32 v3, v1
	s_and_not1_b32 exec_lo, exec_lo, s1
	s_cbranch_execnz .LBB1_2
	s_or_b32 exec_lo, exec_lo, s1
.LBB1_4:
	s_delay_alu instid0(SALU_CYCLE_1)
	s_or_b32 exec_lo, exec_lo, s2
	v_mov_b32_e32 v0, 0
	global_store_b8 v0, v1, s[6:7]
	s_sendmsg sendmsg(MSG_DEALLOC_VGPRS)
	s_endpgm
	.section	.rodata,#alloc
	.amdhsa_kernel single
	.end_amdhsa_kernel
	.text
.Lfunc_end1:
	.size	single, .Lfunc_end1-single
	.section	.AMDGPU.csdata
	.text
	.fill 96, 4, 3214868480
	.ident	"Debian clang version 15.0.6"
	.ident	"Debian clang version 15.0.5"
	.section	".note.GNU-stack"
	.addrsig
	.amdgpu_metadata
---
amdhsa.kernels:
  - .args:
    .group_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .kernarg_segment_size: 24
    .language:       OpenCL C
    .language_version:
      - 1
      - 2
    .max_flat_workgroup_size: 256
    .private_segment_fixed_size: 0
    .sgpr_count:     18
    .sgpr_spill_count: 0
    .symbol:         streaming.kd
    .uses_dynamic_stack: false
    .vgpr_count:     27
    .vgpr_spill_count: 0
    .wavefront_size: 32
  - .args:
    .group_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .kernarg_segment_size: 20
    .language:       OpenCL C
    .language_version:
      - 1
      - 2
    .max_flat_workgroup_size: 256
    .private_segment_fixed_size: 0
    .sgpr_count:     18
    .sgpr_spill_count: 0
    .symbol:         single.kd
    .uses_dynamic_stack: false
    .vgpr_count:     6
    .vgpr_spill_count: 0
    .wavefront_size: 32
amdhsa.target:   amdgcn-amd-amdhsa--gfx1100
amdhsa.version:
  - 1
  - 1
...
	.end_amdgpu_metadata
