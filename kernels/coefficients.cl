/*
 * What the normalisation and dx need of each channel, in tables in the workspace: table[coefficient][channel], so that channels
 * last loads vectors of channels. What is loaded goes to a pointer: inlining small functions that return a struct makes LLVM
 * emit an intrinsic that Oclgrind does not know.
 */

/* Rows of the forward's table. */
#define AFFINE_MEAN 0
#define AFFINE_SCALE 1
#define AFFINE_SHIFT 2
#define AFFINE_ROWS 3

/* Rows of the backward's table. */
#define XHAT_MEAN 0
#define XHAT_SCALE 1
#define INPUT_GAIN 2
#define INPUT_SLOPE 3
#define INPUT_SHIFT 4
#define OUTPUT_GAMMA 5
#define OUTPUT_BETA 6
#define BACKWARD_ROWS 7

void load_affine(affine *a, __global const real *table, ulong channels, index_t channel)
{
    a->mean = table[AFFINE_MEAN * channels + channel];
    a->scale = table[AFFINE_SCALE * channels + channel];
    a->shift = table[AFFINE_SHIFT * channels + channel];
}

void store_affine(__global real *table, ulong channels, index_t channel, affine a)
{
    table[AFFINE_MEAN * channels + channel] = a.mean;
    table[AFFINE_SCALE * channels + channel] = a.scale;
    table[AFFINE_SHIFT * channels + channel] = a.shift;
}

void load_normalizer(normalizer *n, __global const real *table, ulong channels, index_t channel)
{
    n->mean = table[XHAT_MEAN * channels + channel];
    n->scale = table[XHAT_SCALE * channels + channel];
    n->gamma = table[OUTPUT_GAMMA * channels + channel];
    n->beta = table[OUTPUT_BETA * channels + channel];
}

void store_normalizer(__global real *table, ulong channels, index_t channel, normalizer n)
{
    table[XHAT_MEAN * channels + channel] = n.mean;
    table[XHAT_SCALE * channels + channel] = n.scale;
    table[OUTPUT_GAMMA * channels + channel] = n.gamma;
    table[OUTPUT_BETA * channels + channel] = n.beta;
}

void load_gradient(gradient *g, __global const real *table, ulong channels, index_t channel)
{
    g->gain = table[INPUT_GAIN * channels + channel];
    g->slope = table[INPUT_SLOPE * channels + channel];
    g->shift = table[INPUT_SHIFT * channels + channel];
}

void store_gradient(__global real *table, ulong channels, index_t channel, gradient g)
{
    table[INPUT_GAIN * channels + channel] = g.gain;
    table[INPUT_SLOPE * channels + channel] = g.slope;
    table[INPUT_SHIFT * channels + channel] = g.shift;
}
