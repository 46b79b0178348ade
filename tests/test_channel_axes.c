/* SPDX-License-Identifier: MIT */
/* Channels along several axes, or none, against the reference: frequencies, instance norm, blocked layouts, groups. */
#include "table_walk.h"
#include "verify.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Packed. Each number of axes that rows and channels are left in has programs of its own, which take seconds to compile: so only the
 * blocked layout is tested with all engines; the short run tests the others with vectors and with groups in turn. */
static const struct shape shapes[] = {
    { 4, CHANNEL_AXES(0x6), { 3, 2, 5, 70 } },         /* N C F T: a channel for each frequency */
    { 4, CHANNEL_AXES(0x3), { 4, 3, 9, 11 } },         /* instance norm */
    { 4, CHANNEL_AXES(0x9), { 2, 5, 7, 19 } },         /* instance norm, channels last */
    { 5, CHANNEL_AXES(0x12), { 2, 3, 5, 7, 8 } },      /* nChw8c */
    { 5, CHANNEL_AXES(0x5), { 2, 6, 4, 3, 3 } },       /* a transposed convolution's weights in two groups */
    { 3, CHANNEL_AXES(0), { 3, 5, 70 } },              /* one channel */
    { 3, CHANNEL_AXES(7), { 2, 5, 7 } },               /* a channel to an element */
    { 4, CHANNEL_AXES(0xe), { 60, 2, 3, 5 } },         /* per activation */
    { 6, CHANNEL_AXES(0x15), { 2, 3, 2, 3, 5, 33 } },  /* three of each */
    { 7, CHANNEL_AXES(0x2a), { 3, 2, 4, 2, 3, 2, 7 } } /* three, and four */
};
enum { SHAPES = COUNT_OF(shapes), BLOCKED = 3 };

static void check_shape(int config, const struct shape *shape, clbn_type type, clbn_activation function)
{
    struct problem problem = problem_random(shape, type, 1e-5, 1);
    problem.activation = activation_of(function);
    for (size_t i = 0; i < OPERATIONS; i++) {
        struct call call = varied_call((enum operation)i, i + (size_t)config);
        call.views |= WITH_EXTRAS;
        call.running_variance = CLBN_BIASED;
        verify_call(config, &problem, &call);
    }
    problem_free(&problem);
}

START_TEST(channels_along_any_axes_agree)
{
    for (size_t s = 0; s < SHAPES; s++)
        if (s == BLOCKED || (_i < PLAIN_ENGINE_CONFIGS && is_drawn(s + (size_t)_i, 2)))
            check_shape(_i, &shapes[s], CLBN_FLOAT32, CLBN_ACTIVATION_NONE);
}
END_TEST

/* Of all types, and with an activation: a blocked layout. */
START_TEST(blocks_of_channels_agree)
{
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++)
        check_shape(_i, &shapes[BLOCKED], types[t], tested_activation(_i, types[t], CLBN_ACTIVATION_RELU));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("channel axes");
    TCase *cases = tcase_create("sets");
    add_test_of_configs(cases, channels_along_any_axes_agree, ENGINE_CONFIGS);
    add_test_of_configs(cases, blocks_of_channels_agree, PLAIN_ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
