/* SPDX-License-Identifier: MIT */
/*
 * What a layer's bias becomes when the batch norm behind it is folded into it: (bias - mean) * gamma * invstd + beta. Its weights
 * are those of an inference without mean and beta. bias, gamma and beta may be NULL, and folded_bias may be bias.
 */
GROUP_KERNEL void fold_bias(ulong channels, MEMORY(const parameter, bias), RUNNING_PARAMETERS, MEMORY(parameter, folded_bias))
{
    for (ulong c = get_global_id(0) * CLBN_SPAN; c < channels; c += get_global_size(0) * CLBN_SPAN) {
        const span to = span_of((index_t)c, channels);
        wide invstd;
        find_invstd(&invstd, wide_of(load_parameters(running_var + running_var_offset, to)),
                    wide_of_parts(epsilon_high, epsilon_low));
        const wide scale = wide_multiply(invstd, wide_of(parameter_or(gamma + gamma_offset, to, 1)));
        const wide difference = wide_subtract(wide_of(parameter_or(bias + bias_offset, to, 0)),
                                              wide_of(load_parameters(running_mean + running_mean_offset, to)));
        const wide shift = wide_of(parameter_or(beta + beta_offset, to, 0));
        store_parameters(folded_bias + folded_bias_offset, to, real_of(wide_add(wide_multiply(difference, scale), shift)));
    }
}
