/* SPDX-License-Identifier: MIT */
#include "second_order.h"

#include "allocate.h"

#include <math.h>
#include <stdlib.h>

/* Means over a channel of u = ddx, g = dy, their products with xhat and with each other, and of the sizes of all these. */
struct means {
    long double u, g, u_xhat, g_xhat, u_g;
    long double size_u, size_g, size_xhat, size_u_xhat, size_g_xhat, size_u_g;
};

/* What a channel has. */
struct channel {
    long double gamma, invstd, ddgamma, ddbeta, m;
    struct means means;
};

static long double element(const double *values, size_t i, double otherwise)
{
    return values != NULL ? values[i] : otherwise;
}

static long double xhat_of(const struct shape *shape, const struct second_inputs *in, const struct statistics *s, size_t i)
{
    const size_t c = shape_channel_of(shape, i);
    return difference_from_mean(s, c, in->x[i]) * s->invstd.value[c];
}

/* The mean is repaired by the mean of xhat, which is 0 but for roundings. */
static void add_repair(struct means *means)
{
    means->size_u_xhat += means->size_u * means->size_xhat;
    means->size_g_xhat += means->size_g * means->size_xhat;
}

static struct channel *find_channels(const struct shape *shape, const struct second_inputs *in, const struct statistics *s,
                                     bool frozen)
{
    struct channel *channels = allocate(s->channels, sizeof *channels);
    for (size_t c = 0; c < s->channels; c++) {
        const struct channel known = { .gamma = element(in->gamma, c, 1),
                                       .invstd = s->invstd.value[c],
                                       .ddgamma = element(in->ddgamma, c, 0),
                                       .ddbeta = element(in->ddbeta, c, 0),
                                       .m = (long double)s->values_per_channel };
        channels[c] = known;
    }
    for (size_t i = 0; i < shape_elements(shape); i++) {
        struct channel *own = &channels[shape_channel_of(shape, i)];
        struct means *means = &own->means;
        const long double u = element(in->ddx, i, 0), g = in->dy[i], xhat = xhat_of(shape, in, s, i);
        means->u += u / own->m;
        means->g += g / own->m;
        means->u_xhat += u * xhat / own->m;
        means->g_xhat += g * xhat / own->m;
        means->u_g += u * g / own->m;
        means->size_u += fabsl(u) / own->m;
        means->size_g += fabsl(g) / own->m;
        means->size_xhat += fabsl(xhat) / own->m;
        means->size_u_xhat += fabsl(u * xhat) / own->m;
        means->size_g_xhat += fabsl(g * xhat) / own->m;
        means->size_u_g += fabsl(u * g) / own->m;
    }
    for (size_t c = 0; c < s->channels && !frozen; c++)
        add_repair(&channels[c].means);
    return channels;
}

static void find_dx(const struct channel *c, long double u, long double g, long double xhat, bool frozen, struct expected *to,
                    size_t i)
{
    const struct means *m = &c->means;
    const long double curve = c->gamma * c->invstd * c->invstd, by_ddgamma = c->ddgamma * c->invstd;
    if (frozen) {
        to->value[i] = by_ddgamma * g;
        to->magnitude[i] = fabsl(to->value[i]);
        return;
    }
    to->value[i] =
        by_ddgamma * (g - m->g - m->g_xhat * xhat) -
        curve * (m->g_xhat * (u - m->u) + m->u_xhat * (g - m->g) + (m->u_g - m->u * m->g - 3 * m->u_xhat * m->g_xhat) * xhat);
    const long double size = fabsl(xhat) + m->size_xhat;
    to->magnitude[i] = fabsl(by_ddgamma) * (fabsl(g) + m->size_g + m->size_g_xhat * size) +
                       fabsl(curve) * (m->size_g_xhat * (fabsl(u) + m->size_u) + m->size_u_xhat * (fabsl(g) + m->size_g) +
                                       (m->size_u_g + m->size_u * m->size_g + 3 * m->size_u_xhat * m->size_g_xhat) * size);
}

static void find_ddy(const struct channel *c, long double u, long double xhat, bool frozen, struct expected *to, size_t i)
{
    const struct means *m = &c->means;
    const long double scale = c->gamma * c->invstd, centred = frozen ? u : u - m->u - m->u_xhat * xhat;
    const long double size_xhat = fabsl(xhat) + (frozen ? 0 : m->size_xhat);
    const long double size = fabsl(u) + (frozen ? 0 : m->size_u + m->size_u_xhat * size_xhat);
    to->value[i] = scale * centred + c->ddgamma * xhat + c->ddbeta;
    to->magnitude[i] = fabsl(scale) * size + fabsl(c->ddgamma) * size_xhat + fabsl(c->ddbeta);
}

static void find_dgamma(const struct channel *c, bool frozen, struct expected *to, size_t channel)
{
    const struct means *m = &c->means;
    const long double others = m->u * m->g + m->u_xhat * m->g_xhat,
                      sizes = m->size_u * m->size_g + m->size_u_xhat * m->size_g_xhat;
    to->value[channel] = c->m * c->invstd * (m->u_g - (frozen ? 0 : others));
    to->magnitude[channel] = c->m * c->invstd * (m->size_u_g + (frozen ? 0 : sizes));
}

/* Sums have an error of h + 3 roundings of their terms' sizes (bounds.h); results are of products of two, and of up to 16 roundings more,
 * those of invstd among them. */
static void bound(struct arithmetic arithmetic, size_t values, struct expected *to)
{
    const long double depth = 64 + 16 + 4, h = (long double)values < depth ? (long double)values : depth;
    to->bound = allocate(to->count, sizeof *to->bound);
    for (size_t i = 0; i < to->count; i++)
        to->bound[i] = (2 * (h + 3) + 16) * arithmetic.unit_roundoff * to->magnitude[i];
}

struct second_gradients reference_second_gradients(struct arithmetic arithmetic, const struct shape *shape,
                                                   const struct second_inputs *in, const struct statistics *statistics,
                                                   bool frozen)
{
    const size_t elements = shape_elements(shape), channels = statistics->channels;
    struct second_gradients result = { expected_create(elements), expected_create(elements), expected_create(channels) };
    struct channel *all = find_channels(shape, in, statistics, frozen);
    for (size_t i = 0; i < elements; i++) {
        const struct channel *own = &all[shape_channel_of(shape, i)];
        const long double u = element(in->ddx, i, 0), xhat = xhat_of(shape, in, statistics, i);
        find_dx(own, u, in->dy[i], xhat, frozen, &result.dx, i);
        find_ddy(own, u, xhat, frozen, &result.ddy, i);
    }
    for (size_t c = 0; c < channels; c++)
        find_dgamma(&all[c], frozen, &result.dgamma, c);
    bound(arithmetic, statistics->values_per_channel, &result.dx);
    bound(arithmetic, statistics->values_per_channel, &result.ddy);
    bound(arithmetic, statistics->values_per_channel, &result.dgamma);
    free(all);
    return result;
}

void second_gradients_free(struct second_gradients *gradients)
{
    expected_free(&gradients->dx);
    expected_free(&gradients->ddy);
    expected_free(&gradients->dgamma);
}
