	.text
	.amdgcn_target "amdgcn-amd-amdhsa--gfx90a"
	.type	streaming,@function
streaming:
	s_load_dword s0, s[4:5], 0x4
	s_load_dword s1, s[4:5], 0xc
	s_load_dwordx2 s[10:11], s[6:7], 0x10
	s_waitcnt lgkmcnt(0)
	s_and_b32 s0, s0, 0xffff
	s_mul_i32 s8, s8, s0
	s_sub_i32 s1, s1, s8
	s_min_u32 s12, s1, s0
	s_mul_i32 s13, s12, 3
	v_add_u32_e32 v1, s13, v0
	v_cmp_gt_u32_e32 vcc, s10, v1
	s_and_saveexec_b64 s[0:1], vcc
	s_cbranch_execz .LBB0_3
	s_load_dwordx4 s[0:3], s[6:7], 0x0
	s_mov_b32 s4, s11
	s_mov_b32 s5, s11
	s_mov_b32 s6, s11
	s_mov_b32 s7, s11
	s_lshl_b32 s11, s12, 2
	s_lshl_b32 s14, s12, 1
	s_mov_b64 s[8:9], 0
	v_mov_b32_e32 v1, 0
.LBB0_2:
	v_lshlrev_b64 v[18:19], 4, v[0:1]
	s_waitcnt lgkmcnt(0)
	v_mov_b32_e32 v10, s1
	v_add_u32_e32 v4, s12, v0
	v_mov_b32_e32 v5, v1
	v_add_co_u32_e32 v8, vcc, s0, v18
	v_addc_co_u32_e32 v9, vcc, v10, v19, vcc
	v_lshlrev_b64 v[20:21], 4, v[4:5]
	v_add_u32_e32 v6, s14, v0
	v_mov_b32_e32 v7, v1
	v_add_co_u32_e32 v26, vcc, s0, v20
	v_lshlrev_b64 v[22:23], 4, v[6:7]
	v_addc_co_u32_e32 v27, vcc, v10, v21, vcc
	v_add_u32_e32 v2, s13, v0
	v_mov_b32_e32 v3, v1
	v_add_co_u32_e32 v28, vcc, s0, v22
	v_lshlrev_b64 v[24:25], 4, v[2:3]
	global_load_dwordx4 v[2:5], v[8:9], off
	v_addc_co_u32_e32 v29, vcc, v10, v23, vcc
	v_add_co_u32_e32 v30, vcc, s0, v24
	v_addc_co_u32_e32 v31, vcc, v10, v25, vcc
	global_load_dwordx4 v[6:9], v[26:27], off
	global_load_dwordx4 v[10:13], v[28:29], off
	global_load_dwordx4 v[14:17], v[30:31], off
	v_mov_b32_e32 v26, s3
	v_add_co_u32_e32 v18, vcc, s2, v18
	v_addc_co_u32_e32 v19, vcc, v26, v19, vcc
	v_add_co_u32_e32 v20, vcc, s2, v20
	v_addc_co_u32_e32 v21, vcc, v26, v21, vcc
	v_add_co_u32_e32 v22, vcc, s2, v22
	v_addc_co_u32_e32 v23, vcc, v26, v23, vcc
	v_add_u32_e32 v0, s11, v0
	v_add_co_u32_e32 v24, vcc, s2, v24
	v_add_u32_e32 v27, s13, v0
	v_addc_co_u32_e32 v25, vcc, v26, v25, vcc
	v_cmp_le_u32_e32 vcc, s10, v27
	s_or_b64 s[8:9], vcc, s[8:9]
	s_waitcnt vmcnt(3)
	v_pk_mul_f32 v[4:5], s[6:7], v[4:5]
	v_pk_mul_f32 v[2:3], s[4:5], v[2:3]
	global_store_dwordx4 v[18:19], v[2:5], off
	s_waitcnt vmcnt(3)
	v_pk_mul_f32 v[4:5], s[6:7], v[8:9]
	v_pk_mul_f32 v[2:3], s[4:5], v[6:7]
	s_waitcnt vmcnt(2)
	v_pk_mul_f32 v[8:9], s[6:7], v[12:13]
	v_pk_mul_f32 v[6:7], s[4:5], v[10:11]
	s_waitcnt vmcnt(1)
	v_pk_mul_f32 v[12:13], s[6:7], v[16:17]
	v_pk_mul_f32 v[10:11], s[4:5], v[14:15]
	global_store_dwordx4 v[20:21], v[2:5], off
	global_store_dwordx4 v[22:23], v[6:9], off
	global_store_dwordx4 v[24:25], v[10:13], off
	s_andn2_b64 exec, exec, s[8:9]
	s_cbranch_execnz .LBB0_2
.LBB0_3:
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
	s_load_dword s10, s[6:7], 0x10
	s_load_dwordx4 s[0:3], s[6:7], 0x0
	v_mov_b32_e32 v2, 0
	s_waitcnt lgkmcnt(0)
	v_cmp_gt_u32_e32 vcc, s10, v0
	s_and_saveexec_b64 s[6:7], vcc
	s_cbranch_execz .LBB1_4
	s_load_dword s9, s[4:5], 0x4
	s_load_dword s11, s[4:5], 0xc
	s_mov_b32 s5, 0
	v_mov_b32_e32 v2, 0
	s_waitcnt lgkmcnt(0)
	s_and_b32 s4, s9, 0xffff
	s_mul_i32 s8, s8, s4
	s_sub_i32 s5, s11, s8
	s_min_u32 s4, s5, s4
	s_mov_b64 s[8:9], 0
.LBB1_2:
	v_mov_b32_e32 v1, s1
	v_add_co_u32_e32 v4, vcc, s0, v0
	v_addc_co_u32_e32 v5, vcc, 0, v1, vcc
	global_load_ubyte v4, v[4:5], off
	v_add_co_u32_e32 v0, vcc, s4, v0
	v_cmp_le_u32_e32 vcc, s10, v0
	s_or_b64 s[8:9], vcc, s[8:9]
	s_waitcnt vmcnt(0)
	v_mad_u64_u32 v[2:3], s[12:13], v2, 3, v[4:5]
	s_andn2_b64 exec, exec, s[8:9]
	s_cbranch_execnz .LBB1_2
	s_or_b64 exec, exec, s[8:9]
.LBB1_4:
	s_or_b64 exec, exec, s[6:7]
	v_mov_b32_e32 v0, 0
	global_store_byte v0, v2, s[2:3]
	s_endpgm
	.section	.rodata,#alloc
	.amdhsa_kernel single
	.end_amdhsa_kernel
	.text
.Lfunc_end1:
	.size	single, .Lfunc_end1-single
	.section	.AMDGPU.csdata
	.text
	.fill 256, 4, 3212836864
	.ident	"Debian clang version 15.0.6"
	.ident	"Debian clang version 15.0.5"
	.section	".note.GNU-stack"
	.addrsig
	.amdgpu_metadata
---
amdhsa.kernels:
  - .agpr_count:     0
    .args:
    .group_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .kernarg_segment_size: 24
    .language:       OpenCL C
    .language_version:
      - 1
      - 2
    .max_flat_workgroup_size: 256
    .private_segment_fixed_size: 0
    .sgpr_count:     17
    .sgpr_spill_count: 0
    .symbol:         streaming.kd
    .uses_dynamic_stack: false
    .vgpr_count:     32
    .vgpr_spill_count: 0
    .wavefront_size: 64
  - .agpr_count:     0
    .args:
    .group_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .kernarg_segment_size: 20
    .language:       OpenCL C
    .language_version:
      - 1
      - 2
    .max_flat_workgroup_size: 256
    .private_segment_fixed_size: 0
    .sgpr_count:     16
    .sgpr_spill_count: 0
    .symbol:         single.kd
    .uses_dynamic_stack: false
    .vgpr_count:     6
    .vgpr_spill_count: 0
    .wavefront_size: 64
amdhsa.target:   amdgcn-amd-amdhsa--gfx90a
amdhsa.version:
  - 1
  - 1
...
	.end_amdgpu_metadata
