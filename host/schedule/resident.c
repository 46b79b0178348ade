#include "schedule/resident.h"

#include "base/integers.h"

/* Bytes to a vector of what is kept, and that a work-item computes with beside what it keeps. */
#define VECTOR_BYTES  16
#define WORKING_BYTES 160

/* Channels first: numbers of a work-item that a group adds up; what that gives is less than one more (kernels/resident.cl). */
#define MERGED_NUMBERS 3

/* Of a channel, at most (kernels/coefficients.cl). */
#define COEFFICIENTS 7

/* Pieces of a work-item that kernels unroll: of the largest size, the 16-bit types have no single ones (resident_rows.cl). */
#define MOST_PIECES 128

/* A unit alone draws at most so many times its share of the memory's speed. */
#define GREATEST_SHARE 2

/* Times that the forward moves the tensor where it is kept, and where it is read again. */
#define PASSES_KEPT     2
#define PASSES_STREAMED 3

/* Channels last: vectors to a tile, at most, a cache line of GPUs, and at least, the part of it that memory gives. */
#define MOST_LANES  8
#define LEAST_LANES 2

/*
 * Few sizes, since each is a program. Of a unit with 64 K registers of 4 bytes the first leaves room for four groups, which
 * hide each other's barriers, the second for two; the third takes all of it. Channels last need local memory to merge.
 */
static const struct residence rows_sizes[] = { { 256, 4, 0, 1, true }, { 256, 16, 0, 1, true }, { 512, 21, 5, 1, true } };
static const struct residence columns_sizes[] = { { 256, 4, 0, 1, true }, { 256, 16, 0, 1, true }, { 512, 20, 0, 1, true } };
enum { SIZES = sizeof(rows_sizes) / sizeof(rows_sizes[0]) };

static const struct residence nothing = { 0, 0, 0, 1, false };

static unsigned vector_of(clbn_type type)
{
    return VECTOR_BYTES / (unsigned)bn_type_size(type);
}

/* Channels last have whole vectors only, the other way single elements where there are not too many to unroll. */
static unsigned least_piece(const struct residence *r, const struct kept_work *work)
{
    const unsigned vector = vector_of(work->type);
    if (work->shape->channels_last)
        return vector;
    return (r->kept + r->shelved) * vector <= MOST_PIECES ? 1 : vector / 2;
}

static size_t vectors_across(const struct kept_work *work)
{
    return (work->shape->channels + vector_of(work->type) - 1) / vector_of(work->type);
}

/* Whether so many tensors of a channel, or of the narrowest tile, fit. */
static bool fits(const struct residence *r, const struct kept_work *work, unsigned tensors)
{
    const struct shape *shape = work->shape;
    const size_t slots = (size_t)r->group * ((r->kept + r->shelved) / tensors);
    const unsigned piece = least_piece(r, work);
    if (shape->channels_last)
        return shape->channels % piece == 0 && shape->outer <= slots / (vectors_across(work) > 1 ? LEAST_LANES : 1);
    return shape->inner % piece == 0 && shape->values_per_channel <= slots * vector_of(work->type);
}

bool bn_keeps_forward(const struct residence *r, const struct kept_work *work)
{
    return fits(r, work, 1);
}

bool bn_keeps_backward(const struct residence *r, const struct kept_work *work)
{
    /* Of the largest size there are too few registers left to take dy back through an activation. */
    return fits(r, work, 2) && (r->group == rows_sizes[0].group || work->activation == CLBN_ACTIVATION_NONE);
}

/* As wide as the rows and MOST_LANES allow. */
size_t bn_kept_lanes(const struct residence *r, const struct kept_work *work)
{
    const size_t slots = (size_t)r->group * ((r->kept + r->shelved) / (bn_keeps_backward(r, work) ? 2 : 1));
    size_t lanes = 1;
    if (r->kept == 0 || !work->shape->channels_last)
        return 0;
    while (lanes < MOST_LANES && lanes < vectors_across(work) && work->shape->outer <= slots / (2 * lanes))
        lanes *= 2;
    return lanes;
}

size_t bn_kept_tiles(const struct residence *r, const struct kept_work *work)
{
    if (!work->shape->channels_last)
        return work->shape->channels;
    const size_t lanes = bn_kept_lanes(r, work);
    return divide_up(vectors_across(work), lanes);
}

static size_t register_bytes(const struct residence *r)
{
    return (size_t)r->group * (r->kept * VECTOR_BYTES + WORKING_BYTES);
}

/* Elements of local memory to a work-item in which a group merges, besides tables for a tile (kernels/resident*.cl). */
static size_t merged_elements(const struct kept_work *work)
{
    return work->shape->channels_last ? vector_of(work->type) + 2 : MERGED_NUMBERS + 1;
}

static size_t local_bytes(const struct residence *r, const struct kept_work *work)
{
    const size_t tables = work->shape->channels_last ? COEFFICIENTS * MOST_LANES * vector_of(work->type) : 0;
    return (size_t)r->group * r->shelved * VECTOR_BYTES +
           (r->group * merged_elements(work) + tables) * bn_parameter_size(work->type);
}

static bool device_has_room(const struct residence *r, const struct device_facts *facts, const struct kept_work *work)
{
    return r->group <= facts->max_group_size && register_bytes(r) <= facts->register_size &&
           local_bytes(r, work) <= facts->local_size;
}

/* The smallest that fits. */
static struct residence find_size(const struct device_facts *facts, const struct kept_work *work,
                                  bool (*keeps)(const struct residence *, const struct kept_work *))
{
    const struct residence *sizes = work->shape->channels_last ? columns_sizes : rows_sizes;
    for (unsigned i = 0; i < SIZES; i++)
        if (device_has_room(&sizes[i], facts, work) && keeps(&sizes[i], work))
            return sizes[i];
    return nothing;
}

/*
 * Whether groups that have channels of their own are sooner done, although the last of them, or all, leave units idle, than groups
 * that share channels and read them again. In units of the time in which the whole device moves a group's channels once: a round of
 * as many groups as fit takes that for each of them, and one of few groups no less than the units' greatest share allows.
 */
static bool keeps_device_busy(const struct residence *r, const struct device_facts *facts, size_t groups)
{
    const size_t round = facts->compute_units * (facts->register_size / register_bytes(r));
    const size_t rest = groups % round;
    const size_t least = round / GREATEST_SHARE;
    const double kept = (double)(groups - rest) + (double)(rest > 0 && rest < least ? least : rest);
    return PASSES_KEPT * kept <= PASSES_STREAMED * (double)groups;
}

struct residence bn_choose_residence(cl_uint engine_flags, const struct device_facts *facts, const struct kept_work *work)
{
    const struct shape *shape = work->shape;
    if (shape->elements == 0 || (engine_flags & CLBN_ENGINE_SPLIT))
        return nothing;
    struct residence r = find_size(facts, work, bn_keeps_backward);
    if (r.kept == 0)
        r = find_size(facts, work, bn_keeps_forward);
    if (r.kept == 0)
        return nothing;
    r.unrolled = !facts->is_cpu;
    r.piece = least_piece(&r, work);
    /* What the smallest size keeps is a small problem, for which one kernel is best however few channels there are. */
    bool is_small = r.kept == rows_sizes[0].kept;
    if (is_small || (engine_flags & CLBN_ENGINE_WHOLE) || keeps_device_busy(&r, facts, bn_kept_tiles(&r, work)))
        return r;
    return nothing;
}
