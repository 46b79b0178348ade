/* SPDX-License-Identifier: MIT */
#include "bench/onednn.h"

#include <stddef.h>

#if DNNL_VERSION_MAJOR >= 3

dnnl_status_t onednn_describe(dnnl_memory_desc_t *desc, int rank, const dnnl_dims_t sizes, dnnl_data_type_t type,
                              dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(desc, rank, sizes, type, tag);
}

onednn_layout onednn_layout_of(const dnnl_memory_desc_t *desc)
{
    return *desc;
}

void onednn_forget(dnnl_memory_desc_t *desc)
{
    dnnl_memory_desc_destroy(*desc);
}

dnnl_status_t onednn_describe_forward(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine, dnnl_prop_kind_t kind,
                                      const dnnl_memory_desc_t *tensor, float epsilon, unsigned flags)
{
    return dnnl_batch_normalization_forward_primitive_desc_create(primitive, engine, kind, *tensor, *tensor, epsilon, flags,
                                                                  NULL);
}

dnnl_status_t onednn_describe_backward(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine, const dnnl_memory_desc_t *tensor,
                                       float epsilon, unsigned flags, dnnl_primitive_desc_t forward)
{
    return dnnl_batch_normalization_backward_primitive_desc_create(primitive, engine, dnnl_backward, *tensor, *tensor, *tensor,
                                                                   epsilon, flags, forward, NULL);
}

#else

dnnl_status_t onednn_describe(dnnl_memory_desc_t *desc, int rank, const dnnl_dims_t sizes, dnnl_data_type_t type,
                              dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(desc, rank, sizes, type, tag);
}

onednn_layout onednn_layout_of(const dnnl_memory_desc_t *desc)
{
    return desc;
}

void onednn_forget(dnnl_memory_desc_t *desc)
{
    (void)desc;
}

dnnl_status_t onednn_describe_forward(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine, dnnl_prop_kind_t kind,
                                      const dnnl_memory_desc_t *tensor, float epsilon, unsigned flags)
{
    dnnl_batch_normalization_desc_t desc;
    dnnl_status_t status = dnnl_batch_normalization_forward_desc_init(&desc, kind, tensor, epsilon, flags);

    return status == dnnl_success ? dnnl_primitive_desc_create(primitive, &desc, NULL, engine, NULL) : status;
}

dnnl_status_t onednn_describe_backward(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine, const dnnl_memory_desc_t *tensor,
                                       float epsilon, unsigned flags, dnnl_primitive_desc_t forward)
{
    dnnl_batch_normalization_desc_t desc;
    dnnl_status_t status = dnnl_batch_normalization_backward_desc_init(&desc, dnnl_backward, tensor, tensor, epsilon, flags);

    return status == dnnl_success ? dnnl_primitive_desc_create(primitive, &desc, NULL, engine, forward) : status;
}

#endif
