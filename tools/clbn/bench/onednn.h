/* SPDX-License-Identifier: MIT */
/* What oneDNN's C interface has in version 2 and in version 3, but not by the same names. */
#ifndef CLBN_TOOL_BENCH_ONEDNN_H
#define CLBN_TOOL_BENCH_ONEDNN_H

#include <oneapi/dnnl/dnnl.h>

/* How functions take a description of memory; whether a backward must be given beta, or must not. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t onednn_layout;
enum { ONEDNN_BACKWARD_TAKES_SHIFT = 0 };
#else
typedef const dnnl_memory_desc_t *onednn_layout;
enum { ONEDNN_BACKWARD_TAKES_SHIFT = 1 };
#endif

/* Describes memory; to be given to onednn_forget() where that succeeds. */
dnnl_status_t onednn_describe(dnnl_memory_desc_t *desc, int rank, const dnnl_dims_t sizes, dnnl_data_type_t type,
                              dnnl_format_tag_t tag);
onednn_layout onednn_layout_of(const dnnl_memory_desc_t *desc);
void onednn_forget(dnnl_memory_desc_t *desc);

/* Describe batch normalizations from a tensor to one that lies like it. */
dnnl_status_t onednn_describe_forward(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine, dnnl_prop_kind_t kind,
                                      const dnnl_memory_desc_t *tensor, float epsilon, unsigned flags);
dnnl_status_t onednn_describe_backward(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine, const dnnl_memory_desc_t *tensor,
                                       float epsilon, unsigned flags, dnnl_primitive_desc_t forward);

#endif
